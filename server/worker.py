"""gunicorn's worker: its main thread watches the threads of a pool, whose leader polls all connections.

A request is answered when the whole of it has arrived, and a response is continued when the client takes it:
idle and slow clients cost a socket and a buffer, never a thread.
"""

import os
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any, Protocol

from gunicorn.workers import base

from server import heap, options
from server.event_loop import EventLoop
from server.leader_follower import LeaderFollowerPool
from server.request import BodyTooLarge

PARENT_POLL_SECONDS = 0.25
TRIM_SECONDS = 10
# Until a thread that computes lets another go on. A short request gives the interpreter up and waits for it
# at each call of the system, and Python's own 5 ms each time make 50 ms beside one long request.
SWITCH_SECONDS = 0.0005


class GroupCommit(Protocol):
    """What the application gives so that one sync of the disk serves many responses. Any thread calls it."""

    def needs_sync(self) -> bool:
        """Tell whether a response that this thread made since the last call depends on a sync."""

    def sync(self) -> None:
        """Return when what was committed before the call is on the disk. If it raises, the process ends."""


class Worker(base.Worker):  # type: ignore[misc]  # gunicorn has no types
    """Its options are class attributes: gunicorn's `worker_class` names a subclass that sets them."""

    max_body_bytes = 1024 * 1024
    body_limits_below: Mapping[str, int] = {}  # by the beginning of the path, instead of `max_body_bytes`
    body_too_large: type[Exception] = BodyTooLarge  # raised where the application reads a larger body
    max_buffered_bytes = 64 * 1024 * 1024  # of all connections: received, or made and not taken
    max_connections_per_address: int | None = None
    handoff_after = 0.01  # seconds; 0 for an application that mostly waits for others
    group_commit: GroupCommit | None = None

    @classmethod
    def check_config(cls, cfg: Any, _log: Any) -> None:
        options.refuse_unsupported(cfg)

    def run(self) -> None:
        sys.setswitchinterval(SWITCH_SECONDS)
        heap.keep_little()
        self.wakeup = threading.Event()
        self.next_trim = time.monotonic() + TRIM_SECONDS
        self.loop = EventLoop(self)
        self.pool = LeaderFollowerPool(self.loop.next_task, self.handoff_after)
        self.loop.listeners.listen()
        threads = [threading.Thread(target=self.work, daemon=True) for _ in range(self.cfg.threads)]
        self.threads = len(threads)
        for thread in threads:
            thread.start()
        while self.alive and self.is_parent_alive():
            self.rest()
        self.loop.stop_accepting()
        end = time.monotonic() + self.cfg.graceful_timeout
        while self.loop.connections.count > 0 and self.threads > 0 and time.monotonic() < end:
            self.rest()
        self.pool.stopping = True
        self.loop.wake_leader()
        for thread in threads:
            thread.join(timeout=1)  # so that each closes its connection to a database

    def rest(self) -> None:
        self.notify()
        if time.monotonic() >= self.next_trim:
            self.next_trim = time.monotonic() + TRIM_SECONDS
            heap.give_back()
        self.wakeup.wait(PARENT_POLL_SECONDS)
        self.wakeup.clear()

    def is_parent_alive(self) -> bool:
        if self.ppid != os.getppid():
            self.log.info("The master is gone, the worker stops")
            self.alive = False  # A new master needs the port.
        return bool(self.alive)

    def work(self) -> None:
        try:
            self.pool.work()
        except BaseException:
            self.log.exception("A thread ended, the worker stops")
            self.alive = False
        finally:
            with self.loop.state:
                self.threads -= 1
            self.wakeup.set()
