"""REST's filters and orderings; a value that none of them knows is 400."""

from collections.abc import Mapping
from typing import Any

import django_filters
from django.utils.translation import gettext_lazy as _
from django_filters.utils import translate_validation
from rest_framework.exceptions import ValidationError

from incidents import assignees
from incidents.api.rest.fields import DatetimeFilter, DedupKeyFilter
from incidents.assignees import AssigneeNotKnown
from incidents.models import Incident, Source, Status
from incidents.queries import NEWEST_FIRST, IncidentQuery
from incidents.severity import Severity
from incidents.validators import MAX_SEARCH_LENGTH


class IncidentFilter(django_filters.FilterSet):  # type: ignore[misc]  # it has no types
    """What a list may be asked for: as the OpenAPI document and the browsable pages describe it.

    Lists are read by `query_of`, not by this class.
    """

    status = django_filters.ChoiceFilter(choices=Status.choices)
    source = django_filters.ChoiceFilter(choices=Source.choices)
    severity = django_filters.ChoiceFilter(choices=Severity.choices)
    assignee = django_filters.CharFilter(label=_("Assignee: a username, me, or none"))
    dedup_key = DedupKeyFilter(label=_("key"), strip=False)
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


def query_of(parameters: Mapping[str, str], user_id: int | None) -> IncidentQuery:
    """Read a list's parameters for this user; raise DRF's `ValidationError` by the name of the wrong one."""
    if not QueryForm.base_fields.keys() & parameters.keys():
        return IncidentQuery()
    form = QueryForm(parameters)
    if not form.is_valid():
        raise translate_validation(form.errors)
    asked = form.cleaned_data
    return IncidentQuery(
        statuses=frozenset({asked["status"]}) if asked["status"] else None,
        sources=frozenset({asked["source"]}) if asked["source"] else None,
        severity=asked["severity"] or None,
        **by_assignee(asked["assignee"], user_id),
        dedup_key=asked["dedup_key"] or None,
        text=asked["search"],
        created_after=asked["created_after"],
        created_before=asked["created_before"],
        ordering=tuple(filter(None, asked["ordering"] or ())) or NEWEST_FIRST,
    )


def by_assignee(text: str, user_id: int | None) -> dict[str, Any]:
    """Return what of a query chooses the incidents of the user asked for."""
    if not text:
        return {}
    try:
        chosen = assignees.chosen(text, user_id)
    except AssigneeNotKnown:
        if user_id is None and text != assignees.ME:
            # With REST_PUBLIC strangers ask, and another response would tell them who has an account.
            return {"assignee": 0}
        raise ValidationError({"assignee": [_("Nobody has this name.")]}) from None
    return {"assignee": chosen, "unassigned": chosen is None}
