"""Settled events: committed, on the disk, and in an order that never changes.

    events = settled_events(after=17, limit=100)     # with ids above 17, oldest first

PostgreSQL hands ids out before a transaction commits, so an event may become visible after one with a larger
id: who asks for ids above the last one seen would miss it. An event is settled when each transaction that was
adding events when its id was the newest has ended. Those transactions hold a lock on the table from before
they take an id until their events are visible; pg_snapshot_xmin would be held back by any other writer of the
cluster, and does not survive a dump (docs/decisions/0020-feed.md).

SQLite has one writer at a time, so ids are committed in order; with group commit a power cut may take what is
committed but not synced yet, and its id is then given to another event.
"""

import threading
import time
from collections import deque

from django.db import connection
from django.db.models import Max

from common.db import group_commit
from incidents.models import Event

Writers = frozenset[tuple[str, int]]

POLL = 0.02  # seconds
MAX_PENDING = 256


class Horizon:
    """The largest id up to which all events are settled, as far as this process has seen.

    It is not to be asked within a snapshot, which does not see what has been committed since it was taken.
    """

    def __init__(self) -> None:
        self.settled = 0
        self.pending: deque[tuple[int, Writers]] = deque()
        self.lock = threading.Lock()

    def observe(self) -> int:
        """Look at the database once; return the largest settled id."""
        with self.lock:
            newest = newest_event_id()
            # In this order: a transaction with a smaller id has either ended by now, or is among the writers.
            writers = frozenset(open_writers().items())
            if newest < self.settled:  # The newest events were deleted, or the database was replaced.
                self.settled = 0
                self.pending.clear()
            if len(self.pending) == MAX_PENDING:
                self.pending.pop()
            self.pending.append((newest, writers))
            while self.pending and not self.pending[0][1] & writers:
                self.settled = self.pending.popleft()[0]
            return self.settled


horizon = Horizon()


def settled_events(after: int, limit: int, *, wait: float = 0.0) -> list[Event]:
    """Return up to `limit` settled events with ids above `after`, oldest first, with their users.

    If there are none, wait up to `wait` seconds for the writers of those that are committed, but not settled.
    """
    deadline = time.monotonic() + wait
    newest = newest_event_id()
    while True:
        settled = horizon.observe()
        between = Event.objects.filter(id__gt=after, id__lte=settled)
        events = list(between.order_by("id").select_related("by", "assignee")[:limit])
        if events or settled >= newest or time.monotonic() >= deadline:
            break
        time.sleep(POLL)
    if events:
        group_commit.require_synced()
    return events


def newest_event_id() -> int:
    """Return the largest id of a committed event, settled or not; 0 if there is none."""
    return Event.objects.aggregate(newest=Max("id"))["newest"] or 0


def open_writers() -> dict[str, int]:
    """Return the other transactions that are adding events, with the pids of their backends.

    SQLite has none: there only one transaction writes at a time.
    """
    if connection.vendor != "postgresql":
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT virtualtransaction, pid FROM pg_locks"
            " WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            " AND relation = %s::regclass AND mode = 'RowExclusiveLock' AND pid <> pg_backend_pid()",
            [Event._meta.db_table],
        )
        return dict(cursor.fetchall())
