"""The list as the POST dialect shows it: read page by page, newest first, and written as JSON.

Each page is a short query of its own, also within the whole list of a million: one long read would hold
back SQLite's checkpoints for as long as a slow client takes.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import orjson

from incidents import statements
from incidents.api.post import vocabulary
from incidents.api.post.cursor import Cursor

CHUNK = 1000
HEAD = b'{"success":true,"error":"","status":200,"data":{"incidents":['
TAIL = b"]}}"

# The time in UTC to the microsecond, id, description, status, source.
Row = tuple[str, int, str, str, str]


def page(word: str | None, after: Cursor | None, most: int) -> list[Row]:
    """Read up to `most` rows that read as the status `word` (None: as any) behind the cursor."""
    statuses = [None] if word is None else vocabulary.statuses_read_as(word)
    # One walk along an index for each stored word; a database would sort all that an IN finds.
    walks = [walk(status, after, most) for status in statuses]
    return walks[0] if len(walks) == 1 else sorted(chain(*walks), reverse=True)[:most]


def walk(status: str | None, after: Cursor | None, most: int) -> list[Row]:
    statement = statements.newest[status is not None, after is not None]
    given: dict[str, Any] = {"limit": most}
    if status is not None:
        given["status"] = status
    if after is not None:
        given |= {"created_at": after.created_at, "id": after.id}
    return statement.rows(**given)


def items(rows: list[Row]) -> list[dict[str, Any]]:
    return [
        {
            "id": pk,
            "incident": description,
            "status": vocabulary.STORED_TO_POST_STATUS[status],
            "source": vocabulary.STORED_TO_POST_SOURCE[source],
            "created_at": f"{moment[:23]}Z",
        }
        for moment, pk, description, status, source in rows
    ]


def cursor_at(row: Row) -> Cursor:
    return Cursor(datetime.fromisoformat(row[0]).replace(tzinfo=UTC), row[1])


def whole(word: str | None, rows: list[Row]) -> Iterator[bytes]:
    """Write the whole list as one envelope, in pieces; `rows` is its first page."""
    yield HEAD + written(rows)
    while len(rows) == CHUNK:
        rows = page(word, cursor_at(rows[-1]), CHUNK)
        if rows:
            yield b"," + written(rows)
    yield TAIL


def written(rows: list[Row]) -> bytes:
    return orjson.dumps(items(rows))[1:-1]
