"""The connections that wait for their clients, each for one event until its deadline."""

import time
from collections.abc import Callable
from selectors import BaseSelector
from typing import Any

from server.connection import Connection


class Waiting:
    """Who waits. Whoever uses it guards it by a lock."""

    def __init__(self, poller: BaseSelector) -> None:
        self.poller = poller
        self.connections: set[Connection] = set()

    def begin(self, conn: Connection, event: int, then: Callable[[Any], None], seconds: float) -> None:
        """Have the poller call `then` with the socket at the event, of which it will tell until `end`."""
        conn.timeout = time.monotonic() + seconds
        self.connections.add(conn)
        self.poller.register(conn.sock, event, then)

    def end(self, conn: Connection) -> None:
        if conn in self.connections:
            self.connections.remove(conn)
            self.poller.unregister(conn.sock)

    def late(self) -> list[Connection]:
        now = time.monotonic()
        return [conn for conn in self.connections if conn.timeout <= now]

    def next_late(self) -> Connection | None:
        return min(self.connections, key=lambda conn: conn.timeout, default=None)

    def hasten_idle(self, deadline: float) -> None:
        for conn in self.connections:
            if conn.idle:
                conn.timeout = min(conn.timeout, deadline)
