"""How many incidents there are of each status, at any moment and at the price of the last minute's events.

Counting a million rows takes tens of milliseconds, too much for every page at every change. So they are
counted once a minute, and in between the events tell what has changed since.
"""

import time
from collections import Counter
from dataclasses import dataclass

from django.core.cache import cache
from django.db.models import Count, Max, Subquery

from incidents.models import Event, Incident
from incidents.page import news

KEY = "incidents.page.counts"
RECOUNT_SECONDS = 60


@dataclass(frozen=True)
class Counted:
    """The counts as they were at the event `newest`, counted at the monotonic time `at`."""

    newest: int
    at: float
    counts: Counter[str]


def by_status() -> Counter[str]:
    """Count the incidents of each status word."""
    counted: Counted | None = cache.get(KEY)
    newest = news.newest_event()
    if counted is None or time.monotonic() - counted.at > RECOUNT_SECONDS or newest < counted.newest:
        counted = count()
        cache.set(KEY, counted, timeout=None)
    return counted.counts + since(counted.newest) if newest > counted.newest else counted.counts


def count() -> Counted:
    # One statement, so that the counts and the newest event belong together.
    newest = Subquery(Event.objects.order_by("-id").values("id")[:1])
    rows = Incident.objects.values_list("status").annotate(number=Count("id"), newest=Max(newest))
    return Counted(
        newest=max((newest for _status, _number, newest in rows), default=0) or 0,
        at=time.monotonic(),
        counts=Counter({status: number for status, number, _newest in rows}),
    )


def since(event_id: int) -> Counter[str]:
    """Tell by how much each status has grown or shrunk through the events after `event_id`."""
    change: Counter[str] = Counter()
    events = Event.objects.filter(id__gt=event_id).order_by()
    for kind, before, after, number in events.values_list("kind", "status_from", "status_to").annotate(
        Count("id")
    ):
        if kind == Event.Kind.CREATED:
            change[after] += number
        elif kind == Event.Kind.STATUS_CHANGED:
            change[before] -= number
            change[after] += number
    return change
