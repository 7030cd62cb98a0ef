"""JSON Lines: an incident a line, with its history."""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from common.datetimes import to_rfc_3339, to_rfc_3339_or_none
from incidents.transfer.reader import Chunk, EpisodeRow, EventRow
from incidents.transfer.record import Fields, InvalidRecord
from incidents.transfer.users import UsernameCache

HEADER = b""
WITH_EVENTS = True


def encode(chunk: Chunk, usernames: UsernameCache) -> bytes:
    return b"".join(
        orjson.dumps(
            {
                "id": row.id,
                "description": row.description,
                "status": row.status,
                "source": row.source,
                "created_at": to_rfc_3339(row.created_at),
                "updated_at": to_rfc_3339(row.updated_at),
                "created_by": usernames[row.created_by],
                "idempotency_key": row.key,
                "severity": row.severity,
                "assignee": usernames[row.assignee],
                "dedup_key": row.dedup_key,
                "repeats": row.repeats,
                "last_seen_at": to_rfc_3339_or_none(row.last_seen_at),
                "episode": episode(chunk.episodes.get(row.id)),
                "events": [event(one, usernames) for one in chunk.events.get(row.id, ())],
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )
        for row in chunk.rows
    )


def event(row: EventRow, usernames: UsernameCache) -> dict[str, Any]:
    _id, kind, at, by, channel, status_from, status_to, comment, severity, assignee = row
    return {
        "kind": kind,
        "at": to_rfc_3339(at),
        "by": usernames[by],
        "door": channel,
        "status_from": status_from,
        "status_to": status_to,
        "comment": comment,
        "severity": severity,
        "assignee": usernames[assignee],
    }


def episode(row: EpisodeRow | None) -> dict[str, Any] | None:
    if row is None:
        return None
    _id, starts_at, ended_at, severity, latest_text, link, reopened, still_firing_at = row
    return {
        "starts_at": to_rfc_3339_or_none(starts_at),
        "ended_at": to_rfc_3339_or_none(ended_at),
        "severity": severity,
        "latest_text": latest_text,
        "link": link,
        "reopened": reopened,
        "still_firing_at": to_rfc_3339_or_none(still_firing_at),
    }


def decode(lines: Iterable[bytes]) -> Iterator[tuple[int, Fields | InvalidRecord]]:
    """Yield each record, or the reason why it is invalid, with its line number."""
    for number, line in enumerate(lines, 1):
        if not line.isspace():
            yield number, decode_line(line)


def decode_line(line: bytes) -> Fields | InvalidRecord:
    try:
        fields = orjson.loads(line)
    except ValueError as error:
        return InvalidRecord(f"it is not JSON: {error}")
    return fields if isinstance(fields, dict) else InvalidRecord("it is not a JSON object")
