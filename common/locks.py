"""Whether the service runs on a data folder: told by a lock that ends with its last process."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class ServiceRunning(Exception):
    """The service runs on this data folder."""


def opened(folder: Path) -> int:
    return os.open(folder / ".running.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def tell(folder: Path) -> int:
    """Tell that the service runs, for as long as this process and its forks live.

    Returns the descriptor that they hold.
    """
    lock = opened(folder)
    # Shared: two of them may serve one folder.
    fcntl.flock(lock, fcntl.LOCK_SH)
    return lock


@contextlib.contextmanager
def require_stopped(folder: Path) -> Iterator[None]:
    """Keep the service from starting; raise `ServiceRunning` if it runs."""
    lock = opened(folder)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServiceRunning from None
        yield
    finally:
        os.close(lock)
