"""REST's filters and orderings; a word that none of them knows is 400."""

import django_filters
from django.utils.translation import gettext_lazy as _

from incidents.api.rest.fields import MomentFilter
from incidents.models import Incident, IncidentQuerySet, Source, Status


class StableOrdering(django_filters.OrderingFilter):  # type: ignore[misc]  # it has no types
    """An ordering in which equal moments keep one order, so that pages neither repeat nor skip."""

    def filter(self, queryset: IncidentQuerySet, value: list[str] | None) -> IncidentQuerySet:
        terms = [self.get_ordering_value(term) for term in value or [] if term]
        if not terms:
            return queryset
        return queryset.order_by(*terms, "-id" if terms[-1].startswith("-") else "id")


class IncidentFilter(django_filters.FilterSet):  # type: ignore[misc]  # it has no types
    status = django_filters.ChoiceFilter(choices=Status.choices)
    source = django_filters.ChoiceFilter(choices=Source.choices)
    search = django_filters.CharFilter(method="search_description", label=_("Search"))
    created_after = MomentFilter(field_name="created_at", lookup_expr="gte", label=_("Created at or after"))
    created_before = MomentFilter(field_name="created_at", lookup_expr="lt", label=_("Created before"))
    ordering = StableOrdering(
        fields={"created_at": "created_at", "updated_at": "updated_at"},
        # The library would word the descending ones at import, in the language of that moment.
        field_labels={
            "created_at": _("Oldest first"),
            "-created_at": _("Newest first"),
            "updated_at": _("Longest unchanged first"),
            "-updated_at": _("Last changed first"),
        },
        label=_("Ordering"),
    )

    class Meta:
        model = Incident
        fields = ["status", "source"]

    def search_description(self, queryset: IncidentQuerySet, _name: str, text: str) -> IncidentQuerySet:
        return queryset.mentioning(text)
