"""Reading incidents with their history in chunks, oldest first, in bounded memory."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db.models import QuerySet

from common.db.transactions import read_snapshot
from incidents.keyset import Position
from incidents.models import Event, Incident
from incidents.queries import OLDEST_FIRST, IncidentQuery
from incidents.statements import UTCText

CHUNK = 1000

# Incident's id, kind, at, user's id, channel, status_from, status_to, comment
EventRow = tuple[int, str, str, int | None, str, str, str, str]


class Row(NamedTuple):
    """An incident as it is stored; timestamps are text, as `UTCText` writes them."""

    id: int
    description: str
    status: str
    source: str
    created_at: str
    updated_at: str
    created_by: int | None
    key: str | None


class Chunk(NamedTuple):
    rows: list[Row]
    events: dict[int, list[EventRow]]


def chunks(query: IncidentQuery, *, with_events: bool) -> Iterator[Chunk]:
    """Yield the incidents, oldest first; each chunk is read in a snapshot of its own."""
    query = replace(query, ordering=OLDEST_FIRST)
    after = None
    while True:
        chunk = read(query.incidents(after=after)[:CHUNK], with_events=with_events)
        if not chunk.rows:
            return
        yield chunk
        last = chunk.rows[-1]
        after = Position(datetime.fromisoformat(last.created_at).replace(tzinfo=UTC), last.id)


def read(incidents: QuerySet[Incident], *, with_events: bool) -> Chunk:
    """Read all of these incidents and their history in one snapshot."""
    with read_snapshot():
        return Chunk(read_rows(incidents), read_events(incidents) if with_events else {})


def read_rows(incidents: QuerySet[Incident]) -> list[Row]:
    values = incidents.values_list(
        "id",
        "description",
        "status",
        "source",
        UTCText("created_at"),
        UTCText("updated_at"),
        "created_by_id",
        "idempotency_key",
    )
    return list(map(Row._make, values))


def read_events(incidents: QuerySet[Incident]) -> dict[int, list[EventRow]]:
    found: defaultdict[int, list[EventRow]] = defaultdict(list)
    rows: Any = (
        # A subquery: faster than a list of the ids as parameters.
        Event.objects.filter(incident__in=incidents.values("id"))
        .order_by("incident_id", "id")
        .values_list(
            "incident_id", "kind", UTCText("at"), "by_id", "channel", "status_from", "status_to", "comment"
        )
    )
    for event in rows:
        found[event[0]].append(event)
    return found
