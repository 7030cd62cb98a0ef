"""The database as the building sees it: its first set-up, turns for its writers, and its absence."""

import contextlib
import fcntl
import functools
import os
import threading
import time
from collections.abc import Iterator
from typing import IO

from django.conf import settings
from django.db import Error, InterfaceError, OperationalError, connection, transaction
from django.db.models import Model

from common import data_dir
from common.db import group_commit

RETRY = {"Retry-After": "1"}
LONGEST_START = 30
FIRST_RUN_LOCK = 0x1AC1DE27
TURN_POLL = 0.00005  # seconds
own_turn = threading.Lock()
# SQLite's BUSY, LOCKED, IOERR, FULL, CANTOPEN and PROTOCOL (sqlite.org/rescode.html).
PASSING = {5, 6, 10, 13, 14, 15}


def is_away(error: Error) -> bool:
    """Tell whether `error` passes by itself: the database is locked, full, restarting or not reached."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    # SQLite calls a table that is not there, or a file that it may not write, by the same name.
    code = getattr(error.__cause__, "sqlite_errorcode", None)
    return code is None or code & 0xFF in PASSING


@contextlib.contextmanager
def write_transaction() -> Iterator[None]:
    """Open a transaction that writes; SQLite's writers of this machine take turns.

    SQLite's own waiting is unfair: under load one process goes on while another waits for seconds.
    Raises `OperationalError` when the turn does not come in time.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        with transaction.atomic():
            yield
        return
    # A key that was used or a status that stands already is also told by what others have just written.
    group_commit.rely_on_writes()
    deadline = time.monotonic() + settings.BUSY_SECONDS
    if not own_turn.acquire(timeout=settings.BUSY_SECONDS):
        raise OperationalError("the writers before do not end")
    try:
        wait_for_turn(deadline)
        try:
            with transaction.atomic():
                yield
        finally:
            fcntl.flock(turn_file(), fcntl.LOCK_UN)
    finally:
        own_turn.release()


@contextlib.contextmanager
def one_moment() -> Iterator[None]:
    """Let every query of the block see the database as it is at one moment; no writer waits for it."""
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


def hand_out_ids_above(largest: int, model: type[Model]) -> None:
    """See that ids up to `largest`, about to be stored as they are, are not handed out later."""
    if connection.vendor != "postgresql":
        return  # SQLite looks at the rows themselves.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(sequence, %s)"
            " FROM (SELECT pg_get_serial_sequence(%s, 'id')::regclass AS sequence) AS the"
            " WHERE coalesce(pg_sequence_last_value(sequence), 0) < %s",
            [largest, model._meta.db_table, largest],
        )


def free_cache() -> None:
    """Free the memory in which this thread's connection keeps pages of SQLite's."""
    if connection.connection is not None:
        connection.connection.execute("PRAGMA shrink_memory")


def wait_for_turn(deadline: float) -> None:
    """Take the turn among this machine's processes; `OperationalError` when it does not come in time."""
    while True:
        try:
            return fcntl.flock(turn_file(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # The kernel's own waiting would be without end behind a process that stopped in its turn.
            if time.monotonic() > deadline:
                raise OperationalError("another process does not end its turn") from None
            time.sleep(TURN_POLL)


@functools.cache
def turn_file() -> IO[str]:
    return (settings.DATA_DIR / ".write.lock").open("w")


# A fork with the file of its parent would hold the turn whenever its parent does.
os.register_at_fork(after_in_child=turn_file.cache_clear)


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
                # Whoever migrates may take its time.
                cursor.execute("SET lock_timeout = 0")
                cursor.execute("SELECT pg_advisory_lock(%s)", [FIRST_RUN_LOCK])
        yield
        # This frees PostgreSQL's lock; and neither a connection nor a pool of them outlives a fork.
        connection.close()
        if connection.vendor == "postgresql":
            connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's alone has it


@contextlib.contextmanager
def all_or_nothing() -> Iterator[None]:
    """Open one transaction for all migrations.

    Django stores a migration and then writes down that it did: killed in between, it could never go on.
    """
    # SQLite's schema editor asks for this, and within a transaction it is too late.
    connection.disable_constraint_checking()
    try:
        with transaction.atomic():
            yield
    finally:
        connection.enable_constraint_checking()


def wait_until_it_answers() -> None:
    deadline = time.monotonic() + LONGEST_START
    while True:
        try:
            return connection.ensure_connection()
        except Error as error:
            if not is_away(error) or time.monotonic() > deadline:
                raise
            connection.close()
            time.sleep(0.5)
