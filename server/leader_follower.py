"""Threads of which one is on duty.

It does one task after the other as long as they are short; from one that takes long another thread relieves
it. To hand each task to a thread of its own costs switches between threads, more than most tasks are worth.
"""

import signal
import threading
import time
from collections.abc import Callable
from typing import Any

Task = Callable[[], object]


class Crew:
    """The threads that call `work`. To be made in the main thread, whose SIGALRM it needs."""

    def __init__(
        self, next_task: Callable[[], Task | None], patience: float, rest: Callable[[], object] = bool
    ) -> None:
        """Say where tasks come from, and how many seconds one may take before another thread takes over.

        A thread calls `rest` before it rests.
        `next_task` is never called by two threads at once; it may wait, and may return None. A patience
        of 0 is for tasks that mostly wait themselves: they are better done side by side.
        """
        self.next_task = next_task
        self.patience = patience
        self.rest = rest
        # Guards the three that follow. A thread stands for itself by a lock, on which it rests.
        self.change = threading.Lock()
        self.on_duty: threading.Lock | None = None
        self.resting: list[threading.Lock] = []
        self.busy_since: float | None = None
        self.dismissed = False
        signal.signal(signal.SIGALRM, self.relieve_if_long)

    def work(self) -> None:
        """Take one's turns on duty until the crew is dismissed. An error of a task ends the thread."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
        me = threading.Lock()
        me.acquire()
        try:
            while not self.dismissed:
                self.report(me)
                while self.on_duty is me and not self.dismissed:
                    task = self.next_task()
                    if task:
                        self.begin()
                        task()
                        self.end(me)
        finally:
            with self.change:
                if self.on_duty is me:
                    self.relieve()
                elif me in self.resting:
                    self.resting.remove(me)

    def report(self, me: threading.Lock) -> None:
        """Go on duty if nobody is, or rest until it is one's turn."""
        with self.change:
            if self.on_duty is None:
                self.on_duty = me
                return
            self.resting.append(me)
        self.rest()
        me.acquire()

    def begin(self) -> None:
        self.busy_since = time.monotonic()
        if self.patience:
            signal.setitimer(signal.ITIMER_REAL, self.patience)
        else:
            with self.change:
                self.relieve()

    def end(self, me: threading.Lock) -> None:
        with self.change:
            if self.on_duty is me:
                self.busy_since = None
                signal.setitimer(signal.ITIMER_REAL, 0)

    def relieve_if_long(self, *_signal: Any) -> None:
        with self.change:
            if self.busy_since and time.monotonic() - self.busy_since >= self.patience:
                self.relieve()

    def relieve(self) -> None:
        """Let another thread be on duty, the one that began to rest last. `change` is held."""
        self.busy_since = None
        self.on_duty = self.resting.pop() if self.resting else None
        if self.on_duty:
            self.on_duty.release()
