"""The queue: the incidents that a viewer asks for, active ones first, page by page.

    queue = Queue.of(request.GET, user)
    page = queue.page(after=None)
    page.incidents, page.next

A page is found by the position of the last incident before it, so the thousandth costs what the first does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from typing import Any

from django.db.models import F
from django.db.models.functions import Left
from django.utils import timezone

from common.db.transactions import read_snapshot
from incidents import assignees
from incidents.keyset import Position
from incidents.models import Incident, IncidentQuerySet
from incidents.queries import NEWEST_FIRST, OLDEST_FIRST, IncidentQuery, position_of
from incidents.statements import Row
from incidents.web import filters, search
from incidents.web.tabs import ACTIVE_TAB, ALL, MINE, TABS, Group
from users.models import User

PAGE = 50
CHUNK = 200  # of rows that may be of 40 KB each
# Enough to fill the lines of a row.
BRIEF_LENGTH = 300
NO_USER = 0


@dataclass(frozen=True)
class Page:
    """Up to 50 incidents, and the position after which the next page goes on, if there is one."""

    incidents: list[Incident]
    next: Position | None


@dataclass(frozen=True)
class Queue:
    """A tab, the query of all its other parameters, and the number of an incident found in any tab.

    `viewer` is the id of the user whose queue it is.
    """

    tab: str
    query: IncidentQuery
    viewer: int
    number: int | None = None

    @classmethod
    def of(cls, parameters: Mapping[str, Any], viewer: User) -> Queue:
        """Read the parameters of an address; one that cannot be read counts as absent."""
        given = filters.given(parameters)
        tab = given.get("status", ACTIVE_TAB)
        since, until, assignee = given.get("since"), given.get("until"), given.get("assignee")
        found = search.parse(given.get("q", ""))
        query = IncidentQuery(
            words=found.words,
            sources=frozenset({given["source"]}) if "source" in given else None,
            severity=given.get("severity"),
            assignee=viewer.pk if MINE in (tab, assignee) or assignee == assignees.ME else None,
            unassigned=assignee == assignees.NOBODY,
            reported_by=id_of(given["sender"]) if "sender" in given else None,
            involving=id_of(found.person) if found.person else None,
            created_after=midnight(since) if since else None,
            created_before=midnight(until, days=1) if until else None,
            ordering=OLDEST_FIRST if given.get("order") == filters.OLDEST else NEWEST_FIRST,
        )
        return cls(tab, query, viewer.pk, found.number)

    @property
    def groups(self) -> tuple[Group, ...]:
        return TABS[self.tab]

    @property
    def oldest_first(self) -> bool:
        return self.query.ordering == OLDEST_FIRST

    @property
    def is_filtered(self) -> bool:
        mine = self.viewer if self.tab == MINE else None
        return replace(self.query, ordering=NEWEST_FIRST) != IncidentQuery(assignee=mine)

    def page(
        self, after: Position | None, limit: int = PAGE, *, base: IncidentQuerySet | None = None
    ) -> Page:
        """Return what comes after the position, loaded as `base` says, by default `in_brief`."""
        base = in_brief(Incident.objects.all()) if base is None else base
        others = base.exclude(pk=self.number) if self.number else base
        incidents: list[Incident] = []
        with read_snapshot():
            if after is None and self.number:
                incidents += base.filter(pk=self.number)
            for number, group in enumerate(self.groups):
                missing = limit + 1 - len(incidents)
                if missing and (after is None or number >= after.group):
                    query = replace(self.query, statuses=frozenset(group.statuses), critical=group.critical)
                    behind = after if after and after.group == number else None
                    incidents += query.walk_incidents(others, missing, behind)
        return Page(
            incidents[:limit], self.position_of(incidents[limit - 1]) if len(incidents) > limit else None
        )

    def walk(self) -> Iterator[list[Row]]:
        """Yield all rows in chunks, by their time alone.

        The groups of a tab are no order for a long walk: an incident that changes its group meanwhile would
        come twice or never.
        """
        statuses = frozenset(chain(*(group.statuses for group in self.groups)))
        query = replace(self.query, statuses=None if self.tab == ALL else statuses)
        after = None
        while True:
            # A query of several statuses reads each by itself.
            with read_snapshot():
                rows = query.walk(CHUNK, after, columns="whole")
            yield rows
            if len(rows) < CHUNK:
                return
            after = position_of(rows[-1])

    def position_of(self, incident: Incident) -> Position:
        """Return the incident's position in this queue; a status that the tab does not show is at the end."""
        return Position(incident.created_at, incident.pk, self.group_of(incident.status, incident.severity))

    def group_of(self, status: str, severity: str | None) -> int:
        holding = (number for number, group in enumerate(self.groups) if group.holds(status, severity))
        return next(holding, len(self.groups))

    def shows(self, incident: Incident) -> bool:
        return self.group_of(incident.status, incident.severity) < len(self.groups)


def in_brief(incidents: IncidentQuerySet) -> IncidentQuerySet:
    """Load of each text only its beginning, as `brief`, and of the assignee the name, as `assigned_to`.

    `sender` is the name of who reported it.
    """
    brief = incidents.annotate(
        brief=Left("description", BRIEF_LENGTH),
        assigned_to=F("assignee__username"),
        sender=F("created_by__username"),
    )
    return brief.defer("description", "search_text")


def id_of(username: str) -> int:
    """Return the id of a user, or one that nobody has."""
    try:
        return assignees.id_of(username, User.objects.all())
    except assignees.AssigneeNotKnown:
        return NO_USER


def midnight(day: date, days: int = 0) -> datetime:
    """Return when `day`, or the day `days` later, begins in the viewer's time zone."""
    try:
        return timezone.make_aware(datetime.combine(day + timedelta(days), time.min)).astimezone(UTC)
    except OverflowError:  # At the ends of the years 1 and 9999
        return datetime.combine(day, time.min, UTC)
