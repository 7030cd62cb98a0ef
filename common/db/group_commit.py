"""The wait for the disk: one for all requests that the server answers together.

By itself SQLite waits for the disk at the end of each transaction, and every other writer waits with it.
Where the waiting is left to the server, a commit reaches the kernel only, and the server waits for the disk
by `sync` before any answer that tells of it leaves. A killed process loses nothing, for the kernel has the
data; a power cut takes only what nobody was told: docs/decisions/0016.
"""

import contextlib
import functools
import os
import threading
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db import connection
from django.db.backends.signals import connection_created

NO_CONNECTION, NOT_KNOWN = None, -1
flush = getattr(os, "fdatasync", os.fsync)  # macOS has only the latter.


class Seen(threading.local):
    """How many rows this thread's connection had changed when it was asked last."""

    changes: int | None = NO_CONNECTION


seen = Seen()


def leave_waiting_to_the_server() -> bool:
    """Let no commit of this process wait for the disk, if it would; tell whether `sync` is needed instead."""
    if connection.vendor != "sqlite" or settings.SQLITE_SYNCHRONOUS != "FULL":
        return False
    connection_created.connect(commit_to_the_kernel)
    return True


def commit_to_the_kernel(connection: Any, **_kwargs: Any) -> None:
    connection.connection.execute("PRAGMA synchronous=NORMAL")
    # What the thread's connection before this one did last is not known.
    seen.changes = 0 if seen.changes is NO_CONNECTION else NOT_KNOWN


def rely_on_writes() -> None:
    """Note that this thread's answer may tell what others have written and not waited for yet."""
    seen.changes = NOT_KNOWN


def is_to_be_waited_for() -> bool:
    """Tell whether this thread wrote, or relied on writes, since it was asked last."""
    before, seen.changes = seen.changes, getattr(connection.connection, "total_changes", NO_CONNECTION)
    return before != seen.changes


def sync() -> None:
    """Wait until all that was committed is on the disk. Raises `OSError` if the disk fails."""
    path = Path(f"{connection.settings_dict['NAME']}-wal")
    # SQLite removes this file only when the database itself is on the disk, and holds no lock by it.
    with contextlib.suppress(FileNotFoundError):
        flush(opened(path, path.stat().st_ino))


@functools.lru_cache(maxsize=1)
def opened(path: Path, _inode: int) -> IO[bytes]:
    """Keep the file open: the kernel tells of a failure all who had it open, and whoever comes later once."""
    return path.open("rb")
