"""The database as the building sees it: its first set-up, and what to say when it does not answer."""

import contextlib
import time
from collections.abc import Iterator

from django.conf import settings
from django.db import Error, InterfaceError, OperationalError, connection

from config import data_dir

RETRY = {"Retry-After": "1"}
LONGEST_START = 30
FIRST_RUN_LOCK = 0x1AC1DE27


def is_away(error: Error) -> bool:
    """Tell whether `error` passes by itself: the database is locked, full, restarting or not reached."""
    return isinstance(error, OperationalError | InterfaceError)


@contextlib.contextmanager
def set_up_alone() -> Iterator[None]:
    """Hold the right to set the database up, waiting for whoever else does it, on any machine."""
    with data_dir.locked(settings.DATA_DIR, "first_run"):
        wait_until_it_answers()
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                # Kept in the file itself; set for each connection it would race at the first start.
                cursor.execute("PRAGMA journal_mode=WAL")
            else:
                cursor.execute("SELECT pg_advisory_lock(%s)", [FIRST_RUN_LOCK])
        yield
        # Closing the connection frees PostgreSQL's lock.
        connection.close()


def wait_until_it_answers() -> None:
    deadline = time.monotonic() + LONGEST_START
    while True:
        try:
            return connection.ensure_connection()
        except Error:
            if time.monotonic() > deadline:
                raise
            connection.close()
            time.sleep(0.5)
