"""gunicorn's worker: its main thread watches the threads of a pool, whose leader polls all connections.

A request is answered when the whole of it has arrived, and a response is continued when the client takes it:
idle and slow clients cost a socket and a buffer, never a thread.
"""

import os
import threading
import time
from collections.abc import Mapping
from typing import Any, Protocol

from gunicorn.workers import base

from server import options
from server.event_loop import EventLoop
from server.leader_follower import LeaderFollowerPool
from server.request import BodyTooLarge

PARENT_POLL_SECONDS = 0.25


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
    max_buffered_bytes = 128 * 1024 * 1024  # of all connections: received, or made and not taken
    max_connections_per_address: int | None = None
    handoff_after = 0.01  # seconds; 0 for an application that mostly waits for others
    group_commit: GroupCommit | None = None

    @classmethod
    def check_config(cls, cfg: Any, _log: Any) -> None:
        options.refuse_unsupported(cfg)

    def run(self) -> None:
        self.wakeup = threading.Event()
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
