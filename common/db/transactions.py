"""Transactions: SQLite's writers of one machine take a lock, readers get a snapshot."""

import contextlib
import fcntl
import functools
import os
import threading
import time
from collections.abc import Iterator
from typing import IO

from django.conf import settings
from django.db import OperationalError, connection, transaction

from common.db import group_commit

WRITE_LOCK_POLL = 0.00005  # seconds
process_write_lock = threading.Lock()


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
    group_commit.mark_dependent_read()
    if group_commit.sync_failed():
        raise OperationalError("the disk failed to sync, and the database is not recovered yet")
    deadline = time.monotonic() + settings.BUSY_SECONDS
    if not process_write_lock.acquire(timeout=settings.BUSY_SECONDS):
        raise OperationalError("the writers before do not end")
    try:
        acquire_write_lock(deadline)
        try:
            with transaction.atomic():
                yield
        finally:
            fcntl.flock(write_lock_file(), fcntl.LOCK_UN)
    finally:
        process_write_lock.release()


@contextlib.contextmanager
def read_snapshot() -> Iterator[None]:
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


def acquire_write_lock(deadline: float) -> None:
    """Take the turn among this machine's processes; `OperationalError` when it does not come in time."""
    while True:
        try:
            return fcntl.flock(write_lock_file(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # The kernel's own waiting would be without end behind a process that stopped in its turn.
            if time.monotonic() > deadline:
                raise OperationalError("another process does not end its turn") from None
            time.sleep(WRITE_LOCK_POLL)


@functools.cache
def write_lock_file() -> IO[str]:
    return (settings.DATA_DIR / ".write.lock").open("w")


# A fork with the file of its parent would hold the turn whenever its parent does.
os.register_at_fork(after_in_child=write_lock_file.cache_clear)
