"""What the leader does next: short requests first, and the last threads for nothing that may keep them."""

import enum
import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from server.leader_follower import Task

# From when on requests are long. A request that takes no CPU time waits: for a lock, or for a database.
LONG_CPU_SECONDS = 0.003
LONG_SECONDS = 0.1
SLOW_SECONDS = 1.0  # from when on long requests are slow
# An average tells nothing of an alert storm among single alerts, its size does.
LARGE_BODY = 64 * 1024
MAX_LONG_WAIT = 0.1  # seconds behind short requests, until one of the long ones comes first
MAX_KINDS = 1000
NEWEST_SHARE = 0.2  # of the average
# Threads that are free beside the one that begins a request which writes, or a long one.
MIN_FREE_FOR_WRITES = 1
MIN_FREE_FOR_LONG = 2
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
DIGITS = re.compile(r"\d+")


class Duration(enum.Enum):
    """How long a request will probably take."""

    SHORT = enum.auto()
    LONG = enum.auto()
    SLOW = enum.auto()


class Costs:
    """What requests have taken lately, by kind: the method, the path without its numbers, a large body."""

    def __init__(self) -> None:
        self.averages: dict[str, tuple[float, float]] = {}  # seconds of CPU time, seconds

    def duration(self, request: Any) -> Duration:
        cpu_seconds, seconds = self.averages.get(kind_of(request), (0.0, 0.0))
        if seconds > SLOW_SECONDS or is_large(request):
            return Duration.SLOW
        is_long = cpu_seconds > LONG_CPU_SECONDS or seconds > LONG_SECONDS
        return Duration.LONG if is_long else Duration.SHORT

    @contextmanager
    def measured(self, request: Any) -> Iterator[None]:
        began, cpu_began = time.monotonic(), time.thread_time()
        yield
        self.add(kind_of(request), time.thread_time() - cpu_began, time.monotonic() - began)

    def add(self, kind: str, cpu_seconds: float, seconds: float) -> None:
        # The first request of a kind loads what later ones find, so it makes none long by itself.
        cpu_before, before = self.averages.pop(kind, (0.0, 0.0))
        while len(self.averages) >= MAX_KINDS:
            del self.averages[next(iter(self.averages))]  # of the kind that was asked for longest ago
        self.averages[kind] = (
            cpu_before + NEWEST_SHARE * (cpu_seconds - cpu_before),
            before + NEWEST_SHARE * (seconds - before),
        )


def kind_of(request: Any) -> str:
    size = " large" if is_large(request) else ""
    return f"{request.method} {DIGITS.sub('0', request.path)}{size}"


def is_large(request: Any) -> bool:
    return bool(request.body_bytes > LARGE_BODY)


class TaskQueue:
    """Any thread adds tasks; the leader takes them in rounds, between which it polls.

    A round is all short tasks that were there at its beginning. A long one comes when no short one is there,
    or when it has waited for `MAX_LONG_WAIT`, and only while enough threads are free for short ones. A slow
    one comes when no other slow one runs: two would keep all long ones waiting. What writes, and so may wait
    for a lock, leaves one thread to what reads.
    """

    def __init__(self, threads: int, free_threads: Callable[[], int]) -> None:
        self.free_threads = free_threads
        self.free_for_writes = min(MIN_FREE_FOR_WRITES, threads - 1)
        self.free_for_long = min(MIN_FREE_FOR_LONG, threads - 1)
        self.short = deque[tuple[Task, bool]]()  # and whether it writes
        self.held = deque[tuple[Task, bool]]()  # writes for which no thread was free
        self.long = deque[tuple[Task, float]]()  # and from when on it comes first
        self.slow = deque[tuple[Task, float]]()
        self.slow_runs = False
        self.batch = 0  # what is left of the round

    def add(self, task: Task, duration: Duration = Duration.SHORT, *, writes: bool = False) -> None:
        if duration is Duration.SHORT:
            self.short.append((task, writes))
        else:
            queue = self.slow if duration is Duration.SLOW else self.long
            queue.append((task, time.monotonic() + MAX_LONG_WAIT))

    @property
    def has_task(self) -> bool:
        """Tell whether one may begin now."""
        return bool(
            self.short
            or (self.held and self.may_write)
            or (self.long and self.may_be_long)
            or (self.slow and self.may_be_slow)
        )

    @property
    def waits_for_thread(self) -> bool:
        return bool(self.held or self.long or self.slow)

    @property
    def may_write(self) -> bool:
        return self.free_threads() >= self.free_for_writes

    @property
    def may_be_long(self) -> bool:
        return self.free_threads() >= self.free_for_long

    @property
    def may_be_slow(self) -> bool:
        return self.may_be_long and not self.slow_runs

    def begin_round(self) -> Task | None:
        """Begin a round; return a long task if it comes before the short ones."""
        if self.held and self.may_write:
            self.short.extendleft(reversed(self.held))
            self.held.clear()
        self.batch = len(self.short)
        waiting = [self.long] if self.long and self.may_be_long else []
        waiting += [self.slow] if self.slow and self.may_be_slow else []
        first = min(waiting, key=lambda queue: queue[0][1], default=None)
        if first is None or (self.batch and first[0][1] > time.monotonic()):
            return None
        task = first.popleft()[0]
        if first is self.slow:
            self.slow_runs = True
            return partial(self.run_slow, task)
        return task

    def run_slow(self, task: Task) -> None:
        try:
            task()
        finally:
            self.slow_runs = False

    def next(self) -> Task | None:
        """Return the next task of the round."""
        while self.batch:
            self.batch -= 1
            task, writes = self.short.popleft()
            if not writes or self.may_write:
                return task
            self.held.append((task, writes))
        return None
