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
from collections import Counter
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
MAX_NEW_ATTEMPTS = 3
FIRST_LOGIN_SECONDS = 300.0
MAX_TRUSTED_LOGINS = 10
MAX_KEYS = 10_000


class Trust(enum.IntEnum):
    """What is known of the network from which somebody logs in."""

    FAILED = 0  # several attempts without a success, or logins without end
    NEW = 1
    KNOWN = 2  # this name has logged in from there


# Together fewer than a worker's four threads. The places are those of this process.
hashing_queue = [threading.BoundedSemaphore(1) for _trust in Trust]


class TooManyAttempts(ValidationError):
    """A login rejected before the password is checked; `retry_after` is in seconds. Forms show it."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(_("Too many attempts, try again later"), code="throttled")
        self.retry_after = math.ceil(retry_after)


class FirstOnes:
    """The first attempts of each key within some time, as this process saw them.

    In memory, so that a login which the queue rejects writes nothing.
    """

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit = limit
        self.seconds = seconds
        self.lock = threading.Lock()
        self.counts: dict[str, tuple[int, float]] = {}  # and until when, in the order of `time.monotonic`

    def add(self, key: str) -> bool:
        """Note an attempt; tell whether it is among the first `limit` of its key."""
        now = time.monotonic()
        with self.lock:
            while self.counts:
                oldest, (_count, expiry) = next(iter(self.counts.items()))
                if expiry > now and len(self.counts) < MAX_KEYS:
                    break
                del self.counts[oldest]
            count, expiry = self.counts.get(key, (0, now + self.seconds))
            self.counts[key] = (count + 1, expiry)
            return count < self.limit

    def discard(self, key: str) -> None:
        with self.lock:
            self.counts.pop(key, None)


# Of a network without a success: whoever mistypes a password there is not yet among those who guess.
first_attempts = FirstOnes(MAX_NEW_ATTEMPTS, FIRST_ATTEMPT_SECONDS)
# Of a name from a network where it is known: a right password is no right to keep others from logging in.
first_logins = FirstOnes(MAX_TRUSTED_LOGINS, FIRST_LOGIN_SECONDS)


class UnderWay:
    """Who has a login under way in this process: a name and a network, as a key."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.counts = Counter[str]()

    @contextlib.contextmanager
    def noted(self, caller: str) -> Iterator[bool]:
        """Note a login; tell whether it is the only one of its caller."""
        with self.lock:
            self.counts[caller] += 1
            is_only = self.counts[caller] == 1
        try:
            yield is_only
        finally:
            with self.lock:
                self.counts[caller] -= 1
                if not self.counts[caller]:
                    del self.counts[caller]


under_way = UnderWay()


@contextlib.contextmanager
def hashing_slot(trust: Trust, caller: str = "") -> Iterator[None]:
    """Hold one of this machine's slots to hash a password, or raise `TooManyAttempts`.

    A second login of the same `caller` beside the first is trusted as one that failed.
    """
    with under_way.noted(caller) as is_only, place_of(trust if is_only or not caller else Trust.FAILED):
        yield


@contextlib.contextmanager
def place_of(trust: Trust) -> Iterator[None]:
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
