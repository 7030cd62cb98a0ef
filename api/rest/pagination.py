from collections.abc import Iterator
from typing import Any

from django.core.paginator import Page, Paginator
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request

MAX_BROWSABLE_PAGE_SIZE = 100


class LoadedPage(Page):  # type: ignore[type-arg]
    """Django's page, walked through at once: as a `Sequence` it would be asked for each row by its number."""

    def __iter__(self) -> Iterator[Any]:
        return iter(self.object_list)


class LoadedPaginator(Paginator):  # type: ignore[type-arg]
    def _get_page(self, *args: Any, **kwargs: Any) -> Any:
        return LoadedPage(*args, **kwargs)


class Pages(PageNumberPagination):
    page_size = 20
    page_size_query_param = "page_size"
    max_page_size = 1000
    django_paginator_class = LoadedPaginator

    def get_page_size(self, request: Request) -> int | None:
        size = super().get_page_size(request)
        if getattr(request, "accepted_renderer", None) and request.accepted_renderer.format == "api":
            return min(size or self.page_size, MAX_BROWSABLE_PAGE_SIZE)
        return size
