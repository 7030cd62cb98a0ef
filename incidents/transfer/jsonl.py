"""JSON Lines: an incident a line, with its history."""

from collections.abc import Iterable, Iterator

import orjson

from common.datetimes import to_rfc_3339
from incidents.transfer.reader import Chunk
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
                "events": [
                    {
                        "kind": kind,
                        "at": to_rfc_3339(at),
                        "by": usernames[by],
                        "door": channel,
                        "status_from": status_from,
                        "status_to": status_to,
                        "comment": comment,
                    }
                    for _id, kind, at, by, channel, status_from, status_to, comment in chunk.events.get(
                        row.id, ()
                    )
                ],
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )
        for row in chunk.rows
    )


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
