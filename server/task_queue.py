"""What the leader does next: short requests first, and the last threads for nothing that may keep them."""

import enum
import re
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from server.fair_queue import FairQueue
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
LEFT_BY_WRITES, LEFT_BY_LONG = 1, 2  # threads
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
    or when it has waited for `MAX_LONG_WAIT`; callers with several of them take turns. What may keep a thread
    leaves some to the others: one if it writes, and so may wait for a lock, two if it is long. Of slow ones
    one runs at a time: two would keep all long ones waiting.
    """

    def __init__(self, threads: int, wake_leader: Callable[[], object]) -> None:
        """`wake_leader` is called when a task has ended for which another one waited."""
        self.wake_leader = wake_leader
        self.max_kept_for_writes = max(1, threads - LEFT_BY_WRITES)
        self.max_kept_for_long = max(1, threads - LEFT_BY_LONG)
        self.short = deque[tuple[Task, bool]]()  # and whether it writes
        self.held = deque[tuple[Task, bool]]()  # writes for which too few threads were left
        self.long, self.slow = FairQueue(MAX_LONG_WAIT), FairQueue(MAX_LONG_WAIT)
        self.kept = deque[Task]()  # what runs and may keep its thread
        self.slow_runs = False
        self.batch = 0  # what is left of the round

    def add(self, task: Task, *, writes: bool = False) -> None:
        self.short.append((task, writes))

    def add_long(self, task: Task, caller: Hashable, *, slow: bool = False) -> None:
        (self.slow if slow else self.long).add(caller, task)

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
    def may_write(self) -> bool:
        return len(self.kept) < self.max_kept_for_writes

    @property
    def may_be_long(self) -> bool:
        return len(self.kept) < self.max_kept_for_long

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
        first = min(waiting, key=lambda queue: queue.overdue_at, default=None)
        if first is None or (self.batch and first.overdue_at > time.monotonic()):
            return None
        task = first.pop()
        if first is not self.slow:
            return self.keeping(task)
        self.slow_runs = True
        return self.keeping(partial(self.run_slow, task))

    def next(self) -> Task | None:
        """Return the next task of the round."""
        while self.batch:
            self.batch -= 1
            task, writes = self.short.popleft()
            if not writes:
                return task
            if self.may_write:
                return self.keeping(task)
            self.held.append((task, writes))
        return None

    def keeping(self, task: Task) -> Task:
        self.kept.append(task)
        return partial(self.run_keeping, task)

    def run_keeping(self, task: Task) -> None:
        try:
            task()
        finally:
            self.kept.pop()  # Any of them: how many there are is what counts.
            if self.held or self.long or self.slow:
                self.wake_leader()

    def run_slow(self, task: Task) -> None:
        try:
            task()
        finally:
            self.slow_runs = False
