"""The list as the POST dialect shows it: read step by step, newest first, and written as JSON.

Each step is a short query of its own, also within the whole list of a million: one long read would hold
back SQLite's checkpoints for as long as a slow client takes.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from incidents.api.post import vocabulary
from incidents.queries import IncidentQuery, position_of
from incidents.statements import BriefRow

CHUNK = 1000
HEAD = b'{"success":true,"error":"","status":200,"data":{"incidents":['
TAIL = b"]}}"


def items(rows: Iterable[BriefRow]) -> list[dict[str, Any]]:
    return [
        {
            "id": pk,
            "incident": description,
            "status": vocabulary.STORED_TO_POST_STATUS[status],
            "source": vocabulary.STORED_TO_POST_SOURCE[source],
            "created_at": f"{created_at[:10]}T{created_at[11:23]}Z",
        }
        for pk, description, status, source, created_at, _updated_at in rows
    ]


def whole(query: IncidentQuery, rows: list[BriefRow]) -> Iterator[bytes]:
    """Write the whole list as one envelope, in pieces; `rows` are its first."""
    yield HEAD + written(rows)
    while len(rows) == CHUNK:
        rows = query.walk(CHUNK, after=position_of(rows[-1]))
        if rows:
            yield b"," + written(rows)
    yield TAIL


def written(rows: list[BriefRow]) -> bytes:
    return orjson.dumps(items(rows))[1:-1]
