"""Reading what belongs together."""

import contextlib
from collections.abc import Iterator

from django.db import connection


@contextlib.contextmanager
def read_snapshot() -> Iterator[None]:
    """Let every query of the block see the same state of the database; no writer waits for it."""
    if connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        # `atomic` would take SQLite's lock for writers.
        cursor.execute("BEGIN" if connection.vendor == "sqlite" else "BEGIN ISOLATION LEVEL REPEATABLE READ")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")
