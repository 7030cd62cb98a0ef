"""All connections of a worker: which of them the poller watches, until when, and what they hold together."""

import time
from collections import Counter
from collections.abc import Callable
from selectors import BaseSelector
from typing import Any

from server.connection import Connection


class Connections:
    """Not thread-safe: the worker holds `state` around every call."""

    def __init__(self, poller: BaseSelector) -> None:
        self.poller = poller
        self.count = 0
        self.per_address = Counter[str]()
        self.held_bytes = 0
        self.watched: set[Connection] = set()

    def open(self, conn: Connection) -> None:
        self.count += 1
        self.per_address[conn.address] += 1

    def close(self, conn: Connection) -> None:
        self.unwatch(conn)
        conn.sock.close()
        # Cycles of references may keep the connection until a garbage collection, but not what it holds.
        conn.sock.unsent = bytearray()
        conn.buffer.clear()
        self.count_bytes(conn)
        self.count -= 1
        self.per_address[conn.address] -= 1
        if not self.per_address[conn.address]:
            del self.per_address[conn.address]

    def count_bytes(self, conn: Connection) -> None:
        held = conn.held_bytes if conn.is_open else 0
        self.held_bytes += held - conn.counted_bytes
        conn.counted_bytes = held

    def watch(self, conn: Connection, event: int, callback: Callable[[Any], None], seconds: float) -> None:
        """Have the poller call `callback` with the socket at each `event`, until `unwatch`."""
        conn.deadline = time.monotonic() + seconds
        self.watched.add(conn)
        self.poller.register(conn.sock, event, callback)

    def unwatch(self, conn: Connection) -> None:
        if conn in self.watched:
            self.watched.remove(conn)
            self.poller.unregister(conn.sock)

    def overdue(self) -> list[Connection]:
        now = time.monotonic()
        return [conn for conn in self.watched if conn.deadline <= now]

    def most_dispensable(self) -> Connection | None:
        """Return the connection to drop for a new one.

        Idle ones first, then those of the address that has most connections, then the nearest deadline.
        """
        return min(
            self.watched,
            key=lambda conn: (not conn.idle, -self.per_address[conn.address], conn.deadline),
            default=None,
        )

    def largest(self) -> Connection | None:
        return max(self.watched, key=lambda conn: conn.counted_bytes, default=None)

    def cap_waiting(self, idle_seconds: float, request_seconds: float) -> None:
        """Have those dropped in so many seconds that are idle, and those whose request has not arrived."""
        now = time.monotonic()
        for conn in self.watched:
            if conn.awaits_request:
                seconds = idle_seconds if conn.idle else request_seconds
                conn.deadline = min(conn.deadline, now + seconds)
