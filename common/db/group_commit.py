"""Group commit: the worker of server/ syncs SQLite's log once for all responses that depend on it.

By itself SQLite syncs the log at the end of each transaction, while every other writer waits. Where group
commit is enabled a commit only reaches the kernel, and the worker calls `sync` before a response that tells
of it leaves. A killed process loses nothing, as the kernel has the data; a power cut loses what was not
acknowledged. After a failed sync every process refuses to write until `recover` succeeds:
docs/decisions/0016.
"""

import contextlib
import errno
import fcntl
import functools
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.backends.signals import connection_created

from common import locks
from common.db.sqlite.library import sqlite3

NO_CONNECTION, UNKNOWN = None, -1
FAILURE_MARK = ".sync_failed"


class Seen(threading.local):
    """How many rows this thread's connection had changed when `needs_sync` was called last."""

    changes: int | None = NO_CONNECTION


seen = Seen()
is_enabled = threading.Event()


def enable_group_commit() -> bool:
    """Have the commits of this process wait for no sync, if they would; tell whether `sync` is needed now."""
    if connection.vendor != "sqlite" or settings.SQLITE_SYNCHRONOUS != "FULL":
        return False
    connection_created.connect(set_synchronous_normal)
    is_enabled.set()
    return True


def set_synchronous_normal(connection: Any, **_kwargs: Any) -> None:
    connection.connection.execute("PRAGMA synchronous=NORMAL")
    # The kernel reports a failed write to every descriptor that was open by then.
    open_log()
    # What the thread's previous connection did last is not known.
    seen.changes = 0 if seen.changes is NO_CONNECTION else UNKNOWN


def mark_dependent_read() -> None:
    """Note that this thread's response may tell what others have written and not synced yet."""
    seen.changes = UNKNOWN


def require_synced() -> None:
    """Let nothing that this thread has read leave before it is on the disk.

    Where group commit is enabled the worker syncs before the response leaves, elsewhere this call does: other
    processes may have committed without a sync. Raises `OSError` as `sync` does.
    """
    if is_enabled.is_set():
        mark_dependent_read()
    elif connection.vendor == "sqlite":
        sync()


def needs_sync() -> bool:
    """Tell whether this thread wrote, or read what depends on a sync, since the last call."""
    before, seen.changes = seen.changes, getattr(connection.connection, "total_changes", NO_CONNECTION)
    return before != seen.changes


def sync() -> None:
    """Return when all that was committed is on the disk.

    Raises `OSError` if a sync has failed, in this process or in another one. The kernel reports a failure
    once and may have dropped the data by then, so that the next sync succeeds.
    """
    try:
        if log := open_log():
            flush(log.descriptor)
    except OSError:
        with contextlib.suppress(OSError):
            failure_mark().touch()
        raise
    if sync_failed():
        raise OSError(errno.EIO, "another process could not sync the database")


class Log:
    """The log, open for as long as a thread refers to it: one may sync it while another finds a newer one."""

    def __init__(self, path: Path) -> None:
        self.descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def __del__(self, close: Callable[[int], None] = os.close) -> None:
        close(self.descriptor)


def flush(descriptor: int) -> None:
    if sys.platform == "darwin":
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)  # fsync there leaves data in the drive's cache.
    else:
        os.fdatasync(descriptor)


def open_log() -> Log | None:
    """Return the log. SQLite removes it with the last connection, when the database itself is synced."""
    path = Path(f"{connection.settings_dict['NAME']}-wal")
    try:
        return opened(path, path.stat().st_ino)
    except FileNotFoundError:
        return None


@functools.lru_cache(maxsize=1)
def opened(path: Path, _inode: int) -> Log:
    return Log(path)


def failure_mark() -> Path:
    return Path(settings.DATA_DIR, FAILURE_MARK)


def sync_failed() -> bool:
    """Tell whether a sync has failed since the last recovery: commits since then may not be on the disk."""
    return os.path.exists(f"{settings.DATA_DIR}/{FAILURE_MARK}")  # noqa: PTH110  # Each write asks.


def recover() -> None:
    """After a failed sync, move all commits that are whole into the database and sync that.

    Raises sqlite3's `Error` while another process is connected, or if the disk fails again.
    """
    if not sync_failed():
        return
    with locks.exclusive(settings.DATA_DIR, "recovery"):
        if not sync_failed():
            return
        name = connection.settings_dict["NAME"]
        with contextlib.closing(sqlite3.connect(name, timeout=settings.BUSY_SECONDS)) as database:
            # Alone with the database, SQLite reads the log anew and stops at the first bad checksum, instead
            # of trusting the index that it shares with other processes.
            database.execute("PRAGMA locking_mode=EXCLUSIVE")
            database.execute("PRAGMA synchronous=FULL")
            busy, _frames, _moved = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy:
                raise sqlite3.OperationalError("another process is connected")
        failure_mark().unlink()
