"""The list as the POST dialect shows it: read step by step, newest first, and written as JSON.

Each step is a short query of its own, also within the whole list of a million: one long read would hold
back SQLite's checkpoints for as long as a slow client takes.
"""

import sys
from collections.abc import Iterator

import orjson

from incidents.api.post.items import list_items
from incidents.keyset import Position
from incidents.queries import IncidentQuery, position_of
from incidents.statements import ListedRow

CHUNK = 200  # of rows that may be of 40 KB each
HEAD = b'{"success":true,"error":"","status":200,"data":{"incidents":['
TAIL = b"]}}"


def read(query: IncidentQuery, limit: int, after: Position | None) -> list[ListedRow]:
    return query.walk(limit, after, columns="listed")


def stream(query: IncidentQuery, rows: list[ListedRow], limit: int | None) -> Iterator[bytes]:
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
        rows = read(query, asked, after)
    cursor = after.to_cursor() if has_more or rows else None
    yield TAIL if limit is None else b'],"next":' + orjson.dumps(cursor) + b"}}"


def written(rows: list[ListedRow]) -> bytes:
    """Write the rows and empty the list: none is kept while the client takes the piece."""
    content = orjson.dumps(list_items(rows))
    rows.clear()
    return content[1:-1]
