"""The hot statements on incidents, compiled once (see common.db.compiled)."""

import functools
from typing import Any, Literal, NamedTuple

from django.db.models import Exists, Func, OuterRef, QuerySet, Subquery, TextField

from common.db.compiled import Given, Statement, insert, select, update
from incidents.models import Episode, Event, Incident
from users.models import User

INCIDENT_FIELDS = [
    "description",
    "search_text",
    "status",
    "source",
    "created_at",
    "updated_at",
    "created_by",
    "idempotency_key",
    "severity",
    "dedup_key",
]
insert_incident = insert(Incident, INCIDENT_FIELDS, returning=True)
# One that has a life behind it.
PAST_INCIDENT_FIELDS = [*INCIDENT_FIELDS, "assignee", "repeats", "last_seen_at"]
insert_past_incident = insert(Incident, PAST_INCIDENT_FIELDS, returning=True)
insert_past_incident_with_id = insert(Incident, ["id", *PAST_INCIDENT_FIELDS])
EVENT_FIELDS = ["incident", "kind", "at", "by", "channel", "status_from", "status_to", "comment"]
insert_event = insert(Event, EVENT_FIELDS)
insert_event_with_values = insert(Event, [*EVENT_FIELDS, "severity", "assignee"])
insert_past_event = insert(Event, [*EVENT_FIELDS, "severity", "assignee", "imported"])
EPISODE_FIELDS = ["starts_at", "ended_at", "severity", "latest_text", "link", "reopened", "still_firing_at"]
insert_episode = insert(Episode, ["incident", "previous", *EPISODE_FIELDS])
update_episode = update(lambda: Episode.objects.filter(pk=Given("incident", Episode)), EPISODE_FIELDS)
update_status = update(lambda: Incident.objects.filter(id=Given("id", Incident)), ["status", "updated_at"])


class UTCText(Func):
    """A timestamp as text in UTC to the microsecond, e.g. "2025-11-11 23:08:12.266000"."""

    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        # Django stores timestamps as such a text, and without a fraction where that is zero.
        template = (
            "CASE length(%(expressions)s) WHEN 19 THEN %(expressions)s||'.000000' ELSE %(expressions)s END"
        )
        return self.as_sql(compiler, connection, template=template, **extra)

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        template = "to_char(%(expressions)s AT TIME ZONE 'UTC','YYYY-MM-DD HH24:MI:SS.US')"
        return self.as_sql(compiler, connection, template=template, **extra)


Row = tuple[
    int, str, str, str, str, str, str | None, str | None, str | None, int, str | None
]  # as `IncidentRow`


class IncidentRow(NamedTuple):
    """An incident as a list has it; timestamps are text in UTC, as `UTCText` writes them.

    `assignee` is a username.
    """

    id: int
    description: str
    status: str
    source: str
    created_at: str
    updated_at: str
    severity: str | None
    assignee: str | None
    dedup_key: str | None
    repeats: int
    last_seen_at: str | None


INCIDENT_COLUMNS = (
    "id",
    "description",
    "status",
    "source",
    UTCText("created_at"),
    UTCText("updated_at"),
    "severity",
    "assignee__username",
    "dedup_key",
    "repeats",
    UTCText("last_seen_at"),
)
# What a walk through all incidents reads: each further column of a row costs it up to a tenth of the time.
BRIEF_COLUMNS = INCIDENT_COLUMNS[:6]
BriefRow = tuple[int, str, str, str, str, str]
# All but `updated_at`.
LISTED_COLUMNS = INCIDENT_COLUMNS[:5] + INCIDENT_COLUMNS[6:]
ListedRow = tuple[int, str, str, str, str, str | None, str | None, str | None, int, str | None]
Columns = Literal["whole", "brief", "listed"]
COLUMNS = {"whole": INCIDENT_COLUMNS, "brief": BRIEF_COLUMNS, "listed": LISTED_COLUMNS}
# A join could not be locked on PostgreSQL.
LOCKED_COLUMNS = tuple(
    Subquery(User.objects.filter(id=OuterRef("assignee")).values("username"))
    if column == "assignee__username"
    else column
    for column in INCIDENT_COLUMNS
)
# Beyond it an incident's history is full: each look at it reads the whole.
MAX_EVENTS = 10_000


HISTORY_IS_FULL = Exists(Event.objects.filter(incident=OuterRef("id")).order_by()[MAX_EVENTS - 1 :])


def locked_incident() -> QuerySet[Incident, Any]:
    locked = Incident.objects.select_for_update().filter(id=Given("id", Incident))
    return locked.values_list(*LOCKED_COLUMNS, "assignee", HISTORY_IS_FULL)


# Also returns the assignee's id and whether the history is full.
lock_incident = select(locked_incident)


@functools.cache
def newest_incidents(fields: frozenset[str], *, behind: bool, columns: Columns = "whole") -> Statement:
    """Return the list, newest first, of the incidents that have the given `fields`.

    The statement takes their values, `limit` and `offset`; with `behind` also the `created_at` and the `id`
    after which the rows come.
    """

    def query() -> QuerySet[Incident, Any]:
        rows = Incident.objects.newest_first().filter(
            **{name: Given(name, Incident) for name in sorted(fields)}
        )
        if behind:
            rows = rows.older_than(Given("created_at", Incident), Given("id", Incident))
        return rows.values_list(*COLUMNS[columns])

    return select(query, limited=True, skipping=True)
