"""The queue: the incidents that a viewer asks for, active ones first, page by page.

    queue = Queue.of(request.GET, user)
    page = queue.page(after=None)
    page.incidents, page.next

A page is found by the position of the last incident before it, so the thousandth costs what the first does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from typing import Any

from django import forms
from django.db.models import F
from django.db.models.functions import Left
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from common.db.transactions import read_snapshot
from incidents.counts import totals
from incidents.keyset import Position
from incidents.models import ACTIVE, Incident, IncidentQuerySet, Source, Status
from incidents.queries import NEWEST_FIRST, OLDEST_FIRST, IncidentQuery, position_of
from incidents.severity import Severity
from incidents.statements import BriefRow
from incidents.validators import MAX_SEARCH_LENGTH
from incidents.web import search
from incidents.web.access import user_of
from incidents.web.forms import DateInput
from users.models import User
from users.roles import Action

PAGE = 50
CHUNK = 200  # of rows that may be of 40 KB each
# Enough to fill the three lines of a row.
BRIEF_LENGTH = 300

MINE, NOBODYS = "me", "none"
ALL = "all"
NOT_ACTIVE = tuple(status for status in Status if status not in ACTIVE)
TABS: dict[str, tuple[tuple[Status, ...], ...]] = {
    # What each tab shows: groups of statuses, one group after the other.
    "active": (ACTIVE,),
    **{status.value: ((status,),) for status in Status},
    ALL: (ACTIVE, NOT_ACTIVE),
}
TAB_LABELS = {
    "active": pgettext_lazy("tab", "Active"),
    Status.OPEN.value: pgettext_lazy("tab", "Open"),
    Status.IN_PROGRESS.value: pgettext_lazy("tab", "In progress"),
    Status.RESOLVED.value: pgettext_lazy("tab", "Resolved"),
    Status.CLOSED.value: pgettext_lazy("tab", "Closed"),
    Status.CANCELLED.value: pgettext_lazy("tab", "Cancelled"),
    Status.FAKE.value: pgettext_lazy("tab", "False alarms"),
    Status.UNKNOWN.value: pgettext_lazy("tab", "Unknown"),
    ALL: pgettext_lazy("tab", "All"),
}


@dataclass(frozen=True)
class Page:
    """Up to 50 incidents, and the position after which the next page goes on, if there is one."""

    incidents: list[Incident]
    next: Position | None


class QueueForm(forms.Form):
    """The parameters in the address of a queue page."""

    status = forms.ChoiceField(choices=list(TAB_LABELS.items()), required=False, widget=forms.HiddenInput)
    q = forms.CharField(
        label=_("Search"),
        max_length=MAX_SEARCH_LENGTH,
        required=False,
        widget=forms.TextInput(
            attrs={
                "type": "search",
                "autocomplete": "off",
                "aria-keyshortcuts": "/",
                "placeholder": _("Search"),
            }
        ),
    )
    source = forms.ChoiceField(
        label=_("source"), choices=[("", _("Any source")), *Source.choices], required=False
    )
    severity = forms.ChoiceField(
        label=_("severity"), choices=[("", _("Any severity")), *Severity.choices], required=False
    )
    assignee = forms.ChoiceField(
        label=_("assignee"),
        choices=[("", _("Anybody")), (MINE, _("Me")), (NOBODYS, _("Nobody"))],
        required=False,
    )
    since = forms.DateField(label=_("From"), widget=DateInput, input_formats=["%Y-%m-%d"], required=False)
    until = forms.DateField(label=_("To"), widget=DateInput, input_formats=["%Y-%m-%d"], required=False)
    order = forms.ChoiceField(
        label=_("Order"),
        choices=[("", _("Newest first")), ("oldest", _("Oldest first"))],
        required=False,
    )


@dataclass(frozen=True)
class Queue:
    """A tab, the query of all its other parameters, and the number of an incident found in any tab."""

    tab: str
    query: IncidentQuery
    number: int | None = None

    @classmethod
    def of(cls, parameters: Mapping[str, Any], viewer: User) -> Queue:
        """Read the parameters of an address; one that cannot be read counts as absent."""
        form = QueueForm(parameters)
        form.is_valid()
        given = form.cleaned_data
        since, until = given.get("since"), given.get("until")
        words, number = search.parse(given.get("q", ""))
        query = IncidentQuery(
            words=words,
            sources=frozenset({source}) if (source := given.get("source")) else None,
            severity=given.get("severity") or None,
            assignee=viewer.pk if given.get("assignee") == MINE else None,
            unassigned=given.get("assignee") == NOBODYS,
            created_after=midnight(since) if since else None,
            created_before=midnight(until, days=1) if until else None,
            ordering=OLDEST_FIRST if given.get("order") else NEWEST_FIRST,
        )
        return cls(given.get("status") or "active", query, number)

    @property
    def groups(self) -> tuple[tuple[Status, ...], ...]:
        return TABS[self.tab]

    @property
    def oldest_first(self) -> bool:
        return self.query.ordering == OLDEST_FIRST

    @property
    def is_filtered(self) -> bool:
        return replace(self.query, ordering=NEWEST_FIRST) != IncidentQuery()

    @property
    def number_of_filters(self) -> int:
        """Count the parameters that are given, without the search."""
        default = IncidentQuery(words=self.query.words)
        return sum(
            getattr(self.query, field.name) != getattr(default, field.name) for field in fields(default)
        )

    def page(self, after: Position | None, limit: int = PAGE) -> Page:
        base = in_brief(Incident.objects.all())
        others = base.exclude(pk=self.number) if self.number else base
        incidents: list[Incident] = []
        with read_snapshot():
            if after is None and self.number:
                incidents += base.filter(pk=self.number)
            for number, statuses in enumerate(self.groups):
                missing = limit + 1 - len(incidents)
                if missing and (after is None or number >= after.group):
                    group = replace(self.query, statuses=frozenset(statuses))
                    behind = after if after and after.group == number else None
                    incidents += group.walk_incidents(others, missing, behind)
        return Page(
            incidents[:limit], self.position_of(incidents[limit - 1]) if len(incidents) > limit else None
        )

    def walk(self) -> Iterator[list[BriefRow]]:
        """Yield all rows in chunks, by their time alone.

        The groups of a tab are no order for a long walk: an incident that changes its group meanwhile would
        come twice or never.
        """
        statuses = None if self.tab == ALL else frozenset(chain(*self.groups))
        query = replace(self.query, statuses=statuses)
        after = None
        while True:
            # A query of several statuses reads each by itself.
            with read_snapshot():
                rows = query.walk(CHUNK, after)
            yield rows
            if len(rows) < CHUNK:
                return
            after = position_of(rows[-1])

    def position_of(self, incident: Incident) -> Position:
        """Return the incident's position in this queue; a status that the tab does not show is at the end."""
        group = next((n for n, group in enumerate(self.groups) if incident.status in group), 1)
        return Position(incident.created_at, incident.pk, group)

    def shows(self, incident: Incident) -> bool:
        return any(incident.status in group for group in self.groups)


def in_brief(incidents: IncidentQuerySet) -> IncidentQuerySet:
    """Load of each text only its beginning, as `brief`, and of the assignee the name, as `assigned_to`."""
    brief = incidents.annotate(brief=Left("description", BRIEF_LENGTH), assigned_to=F("assignee__username"))
    return brief.defer("description", "search_text")


def row(request: HttpRequest, queue: Queue, incident: Incident) -> dict[str, Any]:
    """Describe an incident for web/row.html."""
    return {
        "incident": incident,
        "position": queue.position_of(incident),
        "says_status": queue.tab in ("active", ALL) or not queue.shows(incident),
        "may_update": user_of(request).may(Action.UPDATE),
    }


def tabs(queue: Queue, page: Page | None = None) -> list[dict[str, Any]]:
    """Describe each tab: its value, label and count, and whether it is the present one.

    To count what a text or a time finds would cost as much as to find it, for each tab. Then only a tab whose
    only page this is has a count.
    """
    source = replace(queue.query, ordering=NEWEST_FIRST) == IncidentQuery(sources=queue.query.sources)
    by_status = totals.by_status(queue.query.sources) if source else None
    return [
        {
            "value": value,
            "label": TAB_LABELS[value],
            "count": (
                sum(by_status[status] for group in groups for status in group)
                if by_status is not None
                else len(page.incidents)
                if page and not page.next and value == queue.tab
                else None
            ),
            "current": value == queue.tab,
        }
        for value, groups in TABS.items()
    ]


def midnight(day: date, days: int = 0) -> datetime:
    """Return when `day`, or the day `days` later, begins in the viewer's time zone."""
    try:
        return timezone.make_aware(datetime.combine(day + timedelta(days), time.min)).astimezone(UTC)
    except OverflowError:  # At the ends of the years 1 and 9999
        return datetime.combine(day, time.min, UTC)
