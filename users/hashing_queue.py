"""How many passwords are hashed at once on this machine, and whose come first.

Hashing is slow on purpose, so guesses compete for it with right passwords. Every process has one place in the
queue for each degree of trust, and a login takes a place of its own degree or of a lower one: guesses from
networks with failures fill only the last place, those from new networks the last two. A free slot goes to the
highest trust that waits, over all processes.
"""

import contextlib
import enum
import fcntl
import math
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from common import cpus
from common.locks import open_lock_file

# A hash takes a core for a third of a second: one core stays free for all other calls.
MAX_CONCURRENT_HASHES = max(1, cpus.available() - 1)
MAX_WAIT_SECONDS = 3.0
POLL_SECONDS = 0.005
# A network's failures are deleted after five minutes: together, a hundred networks would be new again.
FIRST_ATTEMPT_SECONDS = 3600.0
MAX_FIRST_ATTEMPTS = 10_000


class Trust(enum.IntEnum):
    """What is known of the network from which somebody logs in."""

    FAILED = 0  # failures in this window, or another attempt under way
    NEW = 1
    KNOWN = 2  # this name has logged in from there


# Together fewer than a worker's four threads. The places are those of this process.
hashing_queue = [threading.BoundedSemaphore(1) for _trust in Trust]


class TooManyAttempts(ValidationError):
    """A login rejected before the password is checked; `retry_after` is in seconds. Forms show it."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(_("Too many attempts, try again later"), code="throttled")
        self.retry_after = math.ceil(retry_after)


class FirstAttempts:
    """The networks that have tried to log in lately without a success, as this process saw it.

    In memory, so that a login which the queue rejects writes nothing.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.expiries: dict[str, float] = {}  # in the order of their time, of `time.monotonic`

    def add(self, network: str) -> bool:
        """Note an attempt; tell whether it is the network's first."""
        now = time.monotonic()
        with self.lock:
            while self.expiries:
                oldest, expiry = next(iter(self.expiries.items()))
                if expiry > now and len(self.expiries) < MAX_FIRST_ATTEMPTS:
                    break
                del self.expiries[oldest]
            if network in self.expiries:
                return False
            self.expiries[network] = now + FIRST_ATTEMPT_SECONDS
            return True

    def discard(self, network: str) -> None:
        with self.lock:
            self.expiries.pop(network, None)


first_attempts = FirstAttempts()


@contextlib.contextmanager
def hashing_slot(trust: Trust) -> Iterator[None]:
    """Hold one of this machine's slots to hash a password, or raise `TooManyAttempts`."""
    for place in reversed(hashing_queue[: trust + 1]):
        if place.acquire(blocking=False):
            break
    else:
        raise TooManyAttempts(1)
    try:
        with ExitStack() as held:
            slots = [lock_file(held, f"hashing.{slot}") for slot in range(MAX_CONCURRENT_HASHES)]
            wait_for_one(slots, trust)
            yield
    finally:
        place.release()


def wait_for_one(slots: list[IO[bytes]], trust: Trust) -> None:
    """Take a slot that is free while nobody of a higher trust waits, or raise `TooManyAttempts`."""
    deadline = time.monotonic() + MAX_WAIT_SECONDS
    with ExitStack() as held:
        # Locked by one of those who wait, for each degree of trust.
        waiting = [lock_file(held, f"hashing.waiting.{degree}") for degree in Trust]
        while True:
            try_lock(waiting[trust])
            if not any(map(is_locked, waiting[trust + 1 :])) and any(map(try_lock, slots)):
                return
            if time.monotonic() > deadline:
                raise TooManyAttempts(1)
            time.sleep(POLL_SECONDS)


def lock_file(held: ExitStack, name: str) -> IO[bytes]:
    return held.enter_context(os.fdopen(open_lock_file(settings.DATA_DIR, name), "wb"))


def try_lock(file: IO[bytes], kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_locked(file: IO[bytes]) -> bool:
    if not try_lock(file, fcntl.LOCK_SH):
        return True
    fcntl.flock(file, fcntl.LOCK_UN)
    return False
