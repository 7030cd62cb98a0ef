"""A queue in which a caller with many tasks keeps no other caller waiting."""

import threading
import time
from collections import deque
from collections.abc import Hashable

from server.leader_follower import Task


class FairQueue:
    """Returns one task of each caller in turn, those of one in their order. Any thread may use it."""

    def __init__(self, max_wait: float) -> None:
        self.max_wait = max_wait
        self.lock = threading.Lock()
        # Each with the time from when on it is overdue. The callers are in the order of their turns.
        self.waiting: dict[Hashable, deque[tuple[Task, float]]] = {}

    def __bool__(self) -> bool:
        return bool(self.waiting)

    def add(self, caller: Hashable, task: Task) -> None:
        with self.lock:
            self.waiting.setdefault(caller, deque()).append((task, time.monotonic() + self.max_wait))

    @property
    def overdue_at(self) -> float:
        """The time, by `time.monotonic`, from when on the next task is overdue."""
        with self.lock:
            return next(iter(self.waiting.values()))[0][1]

    def pop(self) -> Task:
        with self.lock:
            caller = next(iter(self.waiting))
            tasks = self.waiting.pop(caller)
            task, _overdue_at = tasks.popleft()
            if tasks:
                self.waiting[caller] = tasks
            return task
