"""The queue: the incidents that a viewer asks for, active ones first, page by page.

    page = IncidentQuery.of(request.GET).page(after=None)
    page.incidents, page.next

A page is found by the place of the last incident before it, so the thousandth costs what the first does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from typing import Any

from django import forms
from django.db.models.functions import Left
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from incidents.counts import totals
from incidents.models import ACTIVE, Incident, IncidentQuerySet, Source, Status
from incidents.web.access import user_of
from incidents.web.forms import DateInput
from incidents.web.place import Place
from users.models import Action

PAGE = 50
# Enough to fill the three lines that a row of the queue has.
BRIEF_LENGTH = 300
MAX_SEARCH_LENGTH = 200

NOT_ACTIVE = tuple(status for status in Status if status not in ACTIVE)
TABS: dict[str, tuple[tuple[Status, ...], ...]] = {
    # What each tab shows: groups of statuses, one group after the other.
    "active": (ACTIVE,),
    **{status.value: ((status,),) for status in Status},
    "all": (ACTIVE, NOT_ACTIVE),
}
TAB_LABELS = {
    "active": pgettext_lazy("tab", "Active"),
    **{status.value: status.label for status in Status},
    "all": pgettext_lazy("tab", "All"),
}


@dataclass(frozen=True)
class Page:
    """Up to 50 incidents, and the place after which the next page goes on, if there is one."""

    incidents: list[Incident]
    next: Place | None


class QueueForm(forms.Form):
    """What the address of a queue page may ask for."""

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
    since = forms.DateField(label=_("From"), widget=DateInput, input_formats=["%Y-%m-%d"], required=False)
    until = forms.DateField(label=_("To"), widget=DateInput, input_formats=["%Y-%m-%d"], required=False)
    order = forms.ChoiceField(
        label=_("Order"),
        choices=[("", _("Newest first")), ("oldest", _("Oldest first"))],
        required=False,
    )


@dataclass(frozen=True)
class IncidentQuery:
    """What a viewer asks for. A value that cannot be read asks for nothing."""

    tab: str = "active"
    text: str = ""
    source: str = ""
    since: date | None = None
    until: date | None = None
    oldest_first: bool = False

    @classmethod
    def of(cls, query: Mapping[str, Any]) -> IncidentQuery:
        form = QueueForm(query)
        form.is_valid()
        asked = form.cleaned_data
        return cls(
            tab=asked.get("status") or "active",
            text=asked.get("q", ""),
            source=asked.get("source", ""),
            since=asked.get("since"),
            until=asked.get("until"),
            oldest_first=bool(asked.get("order")),
        )

    @property
    def groups(self) -> tuple[tuple[Status, ...], ...]:
        return TABS[self.tab]

    def incidents(self) -> IncidentQuerySet:
        """Return all that is asked for but the statuses, in order."""
        found = Incident.objects.oldest_first() if self.oldest_first else Incident.objects.newest_first()
        if self.text:
            found = found.mentioning(self.text)
        if self.source:
            found = found.filter(source=self.source)
        if self.since:
            found = found.filter(created_at__gte=midnight(self.since))
        if self.until:
            found = found.filter(created_at__lt=midnight(self.until, days=1))
        return found

    def page(self, after: Place | None, most: int = PAGE) -> Page:
        rows = self.rows(in_brief(self.incidents()), after, most + 1)
        return Page(rows[:most], self.place_of(rows[most - 1]) if len(rows) > most else None)

    def everything(self, chunk: int = 1000) -> Iterator[Incident]:
        """Yield all that is asked for, by the days of the present zone, read in queries of `chunk` rows."""
        incidents = self.incidents().defer("search_text")

        def found() -> Iterator[Incident]:
            after: Place | None = None
            while rows := self.rows(incidents, after, chunk):
                yield from rows
                after = self.place_of(rows[-1])

        return found()

    def rows(self, incidents: IncidentQuerySet, after: Place | None, most: int) -> list[Incident]:
        rows: list[Incident] = []
        for number, statuses in enumerate(self.groups):
            if after is None or number >= after.group:
                behind = after if after and after.group == number else None
                rows += self.walked(incidents, statuses, behind, most - len(rows))
            if len(rows) >= most:
                break
        return rows

    def walked(
        self, incidents: IncidentQuerySet, statuses: Iterable[Status], behind: Place | None, most: int
    ) -> list[Incident]:
        if behind:
            step = incidents.newer_than if self.oldest_first else incidents.older_than
            incidents = step(behind.created_at, behind.id)
        # One walk along an index for each status; a database would sort all that an IN finds.
        walks = [incidents.filter(status=status)[:most] for status in statuses]
        return sorted(chain(*walks), key=lambda row: (row.created_at, row.pk), reverse=not self.oldest_first)[
            :most
        ]

    def place_of(self, incident: Incident) -> Place:
        """Tell where the incident stands in this queue; what it no longer shows stands at the end."""
        group = next((n for n, group in enumerate(self.groups) if incident.status in group), 1)
        return Place.at(group, incident.created_at, incident.pk)

    def shows(self, incident: Incident) -> bool:
        return any(incident.status in group for group in self.groups)


def in_brief(incidents: IncidentQuerySet) -> IncidentQuerySet:
    """Load of each text only its beginning, as `brief`."""
    return incidents.annotate(brief=Left("description", BRIEF_LENGTH)).defer("description", "search_text")


def row(request: HttpRequest, query: IncidentQuery, incident: Incident) -> dict[str, Any]:
    """Describe an incident as web/row.html shows it."""
    return {
        "incident": incident,
        "position": query.place_of(incident),
        "may_update": user_of(request).may(Action.UPDATE),
    }


def tabs(query: IncidentQuery) -> list[dict[str, Any]]:
    """Describe each tab: its value, label and count, and whether it is the present one."""
    by_status = totals.by_status()
    return [
        {
            "value": value,
            "label": TAB_LABELS[value],
            "count": sum(by_status[status] for group in groups for status in group),
            "current": value == query.tab,
        }
        for value, groups in TABS.items()
    ]


def midnight(day: date, days: int = 0) -> datetime:
    """Return when `day`, or the one `days` later, begins for the viewer."""
    try:
        return timezone.make_aware(datetime.combine(day + timedelta(days), time.min)).astimezone(UTC)
    except OverflowError:  # At the ends of the years 1 and 9999
        return datetime.combine(day, time.min, UTC)
