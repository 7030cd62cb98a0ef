"""JSON Lines: an incident a line, with its history."""

from collections.abc import Iterable, Iterator

import orjson

from incidents.transfer.reader import Chunk
from incidents.transfer.record import Broken, Fields
from incidents.transfer.users import Names

HEAD = b""
WITH_EVENTS = True


def written(chunk: Chunk, names: Names) -> bytes:
    return b"".join(
        orjson.dumps(
            {
                "id": row.id,
                "description": row.description,
                "status": row.status,
                "source": row.source,
                "created_at": f"{row.created_at}Z",
                "updated_at": f"{row.updated_at}Z",
                "created_by": names[row.created_by],
                "idempotency_key": row.key,
                "events": [
                    {
                        "kind": kind,
                        "at": f"{at}Z",
                        "by": names[by],
                        "door": door,
                        "status_from": before,
                        "status_to": after,
                        "comment": comment,
                    }
                    for _id, kind, at, by, door, before, after, comment in chunk.events.get(row.id, ())
                ],
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )
        for row in chunk.rows
    )


def records(lines: Iterable[bytes]) -> Iterator[tuple[int, Fields | Broken]]:
    """Yield each record with its line number; what is none comes as `Broken`."""
    for number, line in enumerate(lines, 1):
        if not line.isspace():
            yield number, decoded(line)


def decoded(line: bytes) -> Fields | Broken:
    try:
        fields = orjson.loads(line)
    except ValueError as error:
        return Broken(f"it is not JSON: {error}")
    return fields if isinstance(fields, dict) else Broken("it is not a JSON object")
