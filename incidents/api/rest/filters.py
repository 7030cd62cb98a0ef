"""REST's filters and orderings; a value that none of them knows is 400."""

from collections.abc import Mapping

import django_filters
from django.utils.translation import gettext_lazy as _
from django_filters.utils import translate_validation

from incidents.api.rest.fields import DatetimeFilter
from incidents.models import Incident, Source, Status
from incidents.queries import NEWEST_FIRST, IncidentQuery
from incidents.validators import MAX_SEARCH_LENGTH


class IncidentFilter(django_filters.FilterSet):  # type: ignore[misc]  # it has no types
    """What a list may be asked for: as the OpenAPI document and the browsable pages describe it.

    Lists are read by `query_of`, not by this class.
    """

    status = django_filters.ChoiceFilter(choices=Status.choices)
    source = django_filters.ChoiceFilter(choices=Source.choices)
    search = django_filters.CharFilter(label=_("Search"), max_length=MAX_SEARCH_LENGTH)
    created_after = DatetimeFilter(field_name="created_at", label=_("Created at or after"))
    created_before = DatetimeFilter(field_name="created_at", label=_("Created before"))
    ordering = django_filters.OrderingFilter(
        fields={"created_at": "created_at", "updated_at": "updated_at"},
        # The library would word the descending ones at import, in the language of that time.
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


# The library would make the class of the form anew for each request.
QueryForm = IncidentFilter().get_form_class()


def query_of(parameters: Mapping[str, str]) -> IncidentQuery:
    """Read a list's parameters; raise DRF's `ValidationError` by the name of the wrong one."""
    if not QueryForm.base_fields.keys() & parameters.keys():
        return IncidentQuery()
    form = QueryForm(parameters)
    if not form.is_valid():
        raise translate_validation(form.errors)
    asked = form.cleaned_data
    return IncidentQuery(
        statuses=frozenset({asked["status"]}) if asked["status"] else None,
        source=asked["source"],
        text=asked["search"],
        created_after=asked["created_after"],
        created_before=asked["created_before"],
        ordering=tuple(filter(None, asked["ordering"] or ())) or NEWEST_FIRST,
    )
