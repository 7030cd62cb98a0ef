"""The list as the POST dialect shows it: read step by step, newest first, and written as JSON.

Each step is a short query of its own, also within the whole list of a million: one long read would hold
back SQLite's checkpoints for as long as a slow client takes.
"""

import sys
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from incidents.api.post import vocabulary
from incidents.queries import IncidentQuery, position_of
from incidents.statements import BriefRow

CHUNK = 200  # of rows that may be of 40 KB each
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


def stream(query: IncidentQuery, rows: list[BriefRow], limit: int | None) -> Iterator[bytes]:
    """Write the list as one envelope, in pieces; `rows` are its first `CHUNK`."""
    asked, left, prefix = CHUNK, sys.maxsize if limit is None else limit, HEAD
    while rows and left:
        shown = rows[:left]
        left -= len(shown)
        after = position_of(shown[-1])
        has_more, was_last = len(rows) > len(shown), len(rows) < asked
        rows.clear()
        yield prefix + written(shown)
        if has_more or was_last:
            break
        prefix, asked = b",", min(CHUNK, left + 1)
        rows = query.walk(asked, after)
    cursor = after.to_cursor() if has_more or rows else None
    yield TAIL if limit is None else b'],"next":' + orjson.dumps(cursor) + b"}}"


def written(rows: list[BriefRow]) -> bytes:
    """Write the rows and empty the list: none is kept while the client takes the piece."""
    content = orjson.dumps(items(rows))
    rows.clear()
    return content[1:-1]
