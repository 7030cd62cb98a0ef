from typing import Any

from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.request import Request


class FilterBackend(DjangoFilterBackend):  # type: ignore[misc]  # it has no types
    """django-filter's, left out where nothing is filtered: it makes a form of all its fields each time."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        known = self.get_filterset_class(view, queryset)
        if known is None or request.query_params.keys().isdisjoint(known.base_filters):
            return queryset
        filtered: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return filtered
