"""A leader/followers thread pool (Schmidt et al., Pattern-Oriented Software Architecture, volume 2).

The leader waits for tasks and does them itself, one after the other, as long as they are short. When one
takes long, a follower is promoted and becomes the leader; the former leader follows when its task is done.
To pass each task to another thread would cost context switches, more than most tasks are worth.
"""

import signal
import threading
import time
from collections.abc import Callable
from typing import Any

Task = Callable[[], object]


class LeaderFollowerPool:
    """The pool of the threads that call `work`. To be made in the main thread, whose SIGALRM it uses."""

    def __init__(self, next_task: Callable[[], Task | None], handoff_after: float) -> None:
        """Take tasks from `next_task`, and promote a follower when one has taken `handoff_after` seconds.

        Only the leader calls `next_task`; it may wait, and may return None. With a `handoff_after` of 0 a
        follower is promoted before each task: for tasks that mostly wait themselves.
        """
        self.next_task = next_task
        self.handoff_after = handoff_after
        # Guards the three that follow. Each thread has a lock of its own, on which it parks as a follower.
        self.change = threading.Lock()
        self.leader: threading.Lock | None = None
        self.followers: list[threading.Lock] = []
        self.busy_since: float | None = None
        self.stopping = False
        signal.signal(signal.SIGALRM, self.promote_if_long)

    def work(self) -> None:
        """Lead and follow until the pool is stopping. An error of a task ends the thread, not the others."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
        me = threading.Lock()
        me.acquire()
        try:
            while not self.stopping:
                self.follow_or_lead(me)
                while self.leader is me and not self.stopping:
                    task = self.next_task()
                    if task:
                        self.begin()
                        task()
                        self.end(me)
                    del task  # With the connection that it is for, and what that holds.
        finally:
            with self.change:
                if self.leader is me:
                    self.promote_follower()
                elif me in self.followers:
                    self.followers.remove(me)

    def follow_or_lead(self, me: threading.Lock) -> None:
        """Become the leader if there is none, or park until promoted."""
        with self.change:
            if self.leader is None:
                self.leader = me
                return
            self.followers.append(me)
        me.acquire()

    def begin(self) -> None:
        self.busy_since = time.monotonic()
        if self.handoff_after:
            signal.setitimer(signal.ITIMER_REAL, self.handoff_after)
        else:
            with self.change:
                self.promote_follower()

    def end(self, me: threading.Lock) -> None:
        with self.change:
            if self.leader is me:
                self.busy_since = None
                signal.setitimer(signal.ITIMER_REAL, 0)

    def promote_if_long(self, *_signal: Any) -> None:
        # A signal can interrupt this very handler: to wait for the lock would then be a deadlock.
        if not self.change.acquire(blocking=False):
            signal.setitimer(signal.ITIMER_REAL, self.handoff_after)
            return
        try:
            if self.busy_since and time.monotonic() - self.busy_since >= self.handoff_after:
                self.promote_follower()
        finally:
            self.change.release()

    def promote_follower(self) -> None:
        """Make the thread that parked last the leader, if there is one. `change` is held."""
        self.busy_since = None
        self.leader = self.followers.pop() if self.followers else None
        if self.leader:
            self.leader.release()
