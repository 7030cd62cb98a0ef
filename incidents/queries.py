"""One way to list incidents: a channel parses what is asked for into an `IncidentQuery`, and reads from that.

    query = IncidentQuery(statuses=frozenset({Status.OPEN}), text="самокат")
    query.count()
    query.walk(1000, after=position)    # rows behind a position: each step costs the same
    query[40:60]                        # rows of a numbered page: Paginator(query, 20).page(3)
    query.incidents()                   # the QuerySet, for anything else

The frequent combinations run statements that are compiled once, the others are compiled by the QuerySet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any

from django.db.models import Q

from incidents import statements
from incidents.counts import totals
from incidents.keyset import MAX_ID, Position
from incidents.models import Incident, IncidentQuerySet
from incidents.severity import Severity
from incidents.statements import BriefRow, Columns, IncidentRow, ListedRow, Row

NEWEST_FIRST = ("-created_at",)
OLDEST_FIRST = ("created_at",)
CREATED_AT_AND_ID = itemgetter(4, 0)


@dataclass(frozen=True, slots=True)
class IncidentQuery:
    """Which incidents, in which order; what is None or empty chooses all.

    Those created at `created_after` are included, those at `created_before` are not. `assignee` and
    `reported_by` are users' ids, and `involving` of either; `unassigned` chooses those that nobody has.
    `critical` chooses those of the worst severity, or the others. `ordering` is as `order_by` takes it; equal
    timestamps are ordered by id, so that pages neither repeat nor skip.
    """

    statuses: frozenset[str] | None = None
    sources: frozenset[str] | None = None
    text: str = ""
    words: tuple[str, ...] = ()
    created_after: datetime | None = None
    created_before: datetime | None = None
    severity: str | None = None
    assignee: int | None = None
    unassigned: bool = False
    reported_by: int | None = None
    involving: int | None = None
    critical: bool | None = None
    dedup_key: str | None = None
    ordering: tuple[str, ...] = NEWEST_FIRST

    def incidents(
        self, base: IncidentQuerySet | None = None, after: Position | None = None
    ) -> IncidentQuerySet:
        """Return those of `base` (by default all), in order; only what comes after the position, if given."""
        found = Incident.objects.all() if base is None else base
        given = {
            "status__in": self.statuses,
            "source__in": self.sources,
            "created_at__gte": self.created_after,
            "created_at__lt": self.created_before,
            "severity": self.severity,
            "assignee": self.assignee,
            "created_by": self.reported_by,
            "dedup_key": self.dedup_key,
        }
        found = found.filter(**{name: value for name, value in given.items() if value is not None})
        if self.text:
            found = found.mentioning(self.text)
        for word in self.words:
            found = found.mentioning(word)
        if self.unassigned:
            found = found.filter(assignee=None)
        if self.involving is not None:
            found = found.filter(Q(created_by=self.involving) | Q(assignee=self.involving))
        if self.critical is not None:
            worst = {"severity": Severity.CRITICAL}
            found = found.filter(**worst) if self.critical else found.exclude(**worst)
        found = found.order_by(*self.ordering, "-id" if self.is_descending else "id")
        if after is None:
            return found
        step = found.older_than if self.ordering == NEWEST_FIRST else found.newer_than
        return step(after.created_at, after.id)

    def count(self) -> int:
        if not self.is_by_status_and_source:
            return self.incidents().order_by().count()
        return totals.number_of(self.statuses, self.sources)

    def __getitem__(self, piece: slice) -> list[Row]:
        return self.rows(piece.stop - piece.start, offset=piece.start)

    def walk(self, limit: int, after: Position | None = None, *, columns: Columns = "brief") -> list[Any]:
        """Return up to `limit` rows that come after the position, in an order by creation."""
        found = [one.rows(limit, after=after, columns=columns) for one in self.parts()]
        return self.merged(found, limit, key=CREATED_AT_AND_ID)

    def walk_incidents(
        self, base: IncidentQuerySet, limit: int, after: Position | None = None
    ) -> list[Incident]:
        """Return the same as instances, loaded as `base` says."""
        found = [one.incidents(base, after)[:limit] for one in self.parts()]
        return self.merged(found, limit, key=lambda incident: (incident.created_at, incident.pk))

    def parts(self) -> list[IncidentQuery]:
        """Split the query by status and source: an index has the rows of each part in order."""
        if self.is_of_one_status_and_source:
            return [self]
        statuses = [None] if self.statuses is None else [frozenset({status}) for status in self.statuses]
        sources = [None] if self.sources is None else [frozenset({source}) for source in self.sources]
        return [replace(self, statuses=one, sources=other) for one in statuses for other in sources]

    def merged(self, walks: Sequence[Iterable[Any]], limit: int, key: Any) -> list[Any]:
        rows = list(chain(*walks))
        if len(walks) > 1:
            rows.sort(key=key, reverse=self.is_descending)
        return rows[:limit]

    def rows(
        self,
        limit: int,
        offset: int = 0,
        after: Position | None = None,
        *,
        columns: Columns = "whole",
    ) -> list[Any]:
        if not self.is_compiled:
            values = self.incidents(after=after).values_list(*statements.COLUMNS[columns])
            return list(values[offset : offset + limit])
        chosen = {
            "status": next(iter(self.statuses or ()), None),
            "source": next(iter(self.sources or ()), None),
        }
        given: dict[str, Any] = {name: str(value) for name, value in chosen.items() if value}
        statement = statements.newest_incidents(frozenset(given), behind=after is not None, columns=columns)
        if after is not None:
            given |= {"created_at": after.created_at, "id": after.id}
        return statement.rows(**given, limit=limit, offset=offset)

    def ids(self) -> IncidentIds:
        return IncidentIds(self)

    @property
    def is_descending(self) -> bool:
        return self.ordering[-1].startswith("-")

    @property
    def is_of_one_status_and_source(self) -> bool:
        """Tell whether it is of one status or any, and of one source or any."""
        return (self.statuses is None or len(self.statuses) == 1) and (
            self.sources is None or len(self.sources) == 1
        )

    @property
    def is_by_status_and_source(self) -> bool:
        """Tell whether nothing else chooses incidents."""
        return further_choices(self) == NO_FURTHER_CHOICES

    @property
    def is_compiled(self) -> bool:
        """Tell whether `statements.newest_incidents` has a statement for this query."""
        return (
            self.is_by_status_and_source
            and self.ordering == NEWEST_FIRST
            and self.is_of_one_status_and_source
        )


# Derived, so that no statement which is compiled for fewer fields leaves out a new one.
further_choices = attrgetter(
    *({field.name for field in fields(IncidentQuery)} - {"statuses", "sources", "ordering"})
)
NO_FURTHER_CHOICES = further_choices(IncidentQuery())


@dataclass(frozen=True, slots=True)
class IncidentIds:
    """The ids of what a query finds, for a paginator: a page of them is small, however long the texts are."""

    query: IncidentQuery

    def count(self) -> int:
        return self.query.count()

    def __getitem__(self, piece: slice) -> list[int]:
        return list(self.query.incidents().values_list("pk", flat=True)[piece])


def rows_of(ids: Iterable[int]) -> list[Row]:
    """Return the rows of the incidents in this order, without those that are gone."""
    ids = list(ids)
    found = Incident.objects.filter(pk__in=ids).order_by().values_list(*statements.INCIDENT_COLUMNS)
    rows = {row[0]: row for row in found}
    return [rows[pk] for pk in ids if pk in rows]


def find(incident_id: int) -> IncidentRow | None:
    """Return the incident of this id, also None for a number that is past 64 bits."""
    if not 0 < incident_id <= MAX_ID:
        return None
    row = Incident.objects.filter(id=incident_id).values_list(*statements.INCIDENT_COLUMNS).first()
    return row and IncidentRow(*row)


def position_of(row: BriefRow | ListedRow) -> Position:
    return Position(datetime.fromisoformat(row[4]).replace(tzinfo=UTC), row[0])
