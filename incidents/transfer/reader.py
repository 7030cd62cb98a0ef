"""Reading incidents with their history in chunks, oldest first, in bounded memory."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db.models import QuerySet

from common.db.transactions import read_snapshot
from incidents.keyset import Position
from incidents.models import Episode, Event, Incident
from incidents.queries import OLDEST_FIRST, IncidentQuery
from incidents.statements import UTCText

CHUNK = 1000

# Incident's id, kind, at, user's id, channel, status_from, status_to, comment, severity, assignee's id
EventRow = tuple[int, str, str, int | None, str, str, str, str, str | None, int | None]
# Incident's id, starts_at, ended_at, severity, latest_text, link, reopened, still_firing_at
EpisodeRow = tuple[int, str | None, str | None, str | None, str, str, int, str | None]


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
    severity: str | None
    assignee: int | None
    dedup_key: str | None
    repeats: int
    last_seen_at: str | None


class Chunk(NamedTuple):
    rows: list[Row]
    events: dict[int, list[EventRow]]
    episodes: dict[int, EpisodeRow]


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
        if not with_events:
            return Chunk(read_rows(incidents), {}, {})
        return Chunk(read_rows(incidents), read_events(incidents), read_episodes(incidents))


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
        "severity",
        "assignee_id",
        "dedup_key",
        "repeats",
        UTCText("last_seen_at"),
    )
    return list(map(Row._make, values))


def read_events(incidents: QuerySet[Incident]) -> dict[int, list[EventRow]]:
    found: defaultdict[int, list[EventRow]] = defaultdict(list)
    rows: Any = (
        # A subquery: faster than a list of the ids as parameters.
        Event.objects.filter(incident__in=incidents.values("id"))
        .order_by("incident_id", "id")
        .values_list(
            "incident_id",
            "kind",
            UTCText("at"),
            "by_id",
            "channel",
            "status_from",
            "status_to",
            "comment",
            "severity",
            "assignee_id",
        )
    )
    for event in rows:
        found[event[0]].append(event)
    return found


def read_episodes(incidents: QuerySet[Incident]) -> dict[int, EpisodeRow]:
    rows: Any = Episode.objects.filter(incident__in=incidents.values("id")).values_list(
        "incident_id",
        UTCText("starts_at"),
        UTCText("ended_at"),
        "severity",
        "latest_text",
        "link",
        "reopened",
        UTCText("still_firing_at"),
    )
    return {row[0]: row for row in rows}
