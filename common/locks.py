"""Locks between the threads and processes of one machine: files `.NAME.lock` in a folder."""

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

WRITE_LOCK_POLL = 0.00005  # seconds
# The writer that holds the lock and the one behind it may wait for the full time, all others of the process
# only for this long: its other threads are for requests that read.
MAX_PATIENT_WRITERS = 2
IMPATIENT_SECONDS = 0.5


class ServiceRunning(Exception):
    """The service runs on this data folder."""


def open_lock_file(folder: Path, name: str) -> int:
    """Return the descriptor of the lock file, its owner's alone; `OSError` where it is a symbolic link."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(folder / f".{name}.lock", flags, 0o600)


@contextlib.contextmanager
def exclusive(folder: Path, name: str) -> Iterator[None]:
    """Hold the lock `name` of the folder, waiting while another process of this machine has it."""
    file = open_lock_file(folder, name)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def hold_running_lock(folder: Path) -> int:
    """Tell that the service runs, for as long as this process and its forks live.

    Returns the descriptor that they hold.
    """
    file = open_lock_file(folder, "running")
    # Shared: two services may run on one folder.
    fcntl.flock(file, fcntl.LOCK_SH)
    return file


@contextlib.contextmanager
def require_stopped(folder: Path) -> Iterator[None]:
    """Keep the service from starting; raise `ServiceRunning` if it runs."""
    file = open_lock_file(folder, "running")
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServiceRunning from None
        yield
    finally:
        os.close(file)


class WriteLock:
    """One writer at a time among all threads and processes that write by the lock file of `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.of_process = threading.Lock()
        self.counting = threading.Lock()
        self.writers = 0

    @cached_property
    def file(self) -> int:
        return open_lock_file(self.folder, "write")

    def acquire(self, seconds: float) -> None:
        """Take the lock; raise `TimeoutError` when it is not free within `seconds`."""
        with self.counting:
            self.writers += 1
            if self.writers > MAX_PATIENT_WRITERS:
                seconds = min(seconds, IMPATIENT_SECONDS)
        try:
            self.take(seconds)
        except BaseException:
            self.leave()
            raise

    def take(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        if not self.of_process.acquire(timeout=seconds):
            raise TimeoutError("timed out waiting for a writer of this process")
        try:
            self.take_among_processes(deadline)
        except BaseException:
            self.of_process.release()
            raise

    def take_among_processes(self, deadline: float) -> None:
        while True:
            try:
                return fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                # The kernel's own waiting has no end behind a process that was stopped as it held the lock.
                if time.monotonic() > deadline:
                    raise TimeoutError("timed out waiting for a writer of another process") from None
                time.sleep(WRITE_LOCK_POLL)

    def release(self) -> None:
        fcntl.flock(self.file, fcntl.LOCK_UN)
        self.of_process.release()
        self.leave()

    def leave(self) -> None:
        with self.counting:
            self.writers -= 1
