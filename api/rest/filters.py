import functools
from typing import Any

from django.db.models import QuerySet
from django_filters import FilterSet
from django_filters.rest_framework import DjangoFilterBackend
from django_filters.utils import translate_validation
from rest_framework.request import Request


class FilterBackend(DjangoFilterBackend):  # type: ignore[misc]  # it has no types
    """django-filter's, with a form of what is asked for only: it makes its forms anew for each request."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        known = self.get_filterset_class(view, queryset)
        asked = frozenset(request.query_params).intersection(known.base_filters if known else ())
        if not asked:
            return queryset
        filters = only(known, asked)(**self.get_filterset_kwargs(request, queryset, view))
        if not filters.is_valid():
            raise translate_validation(filters.errors)
        filtered: QuerySet[Any] = filters.qs
        return filtered


@functools.cache
def only(known: type[FilterSet], names: frozenset[str]) -> type[FilterSet]:
    """Return the filters of these names, in the order in which they are known."""
    some: type[FilterSet] = type(known.__name__, (known,), {})
    some.base_filters = {name: known.base_filters[name] for name in known.base_filters if name in names}
    return some
