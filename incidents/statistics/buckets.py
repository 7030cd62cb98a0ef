"""Keeping the slots up with the events.

catch_up(budget=1.0)                 # seconds; True when at most a batch of events is left to count
tallies_between(first, last)        # (quarter, Tally), the batch that is left included
"""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from django.db import connection
from django.db.models import Max

from common.db import transactions
from incidents.models import Event
from incidents.statistics.aggregate import FIELDS, Happened, Tally, by_quarter
from incidents.statistics.models import Progress, Slot

BATCH = 5000
WRITERS_POLL = 0.005  # seconds
COLUMNS = ["reported", "first_actions", "resolutions", "finished", "false_alarms"]


def catch_up(budget: float) -> bool:
    """Count for up to `budget` seconds; tell whether so few events are left that `tallies_between` adds them.

    A reader of statistics writes only when it must: while writers have to wait, reading goes on.
    """
    deadline = time.monotonic() + budget
    uncounted = Event.objects.filter(id__gt=counted_through())
    return not uncounted[BATCH:].exists() or all(time.monotonic() <= deadline for _step in steps())


def catch_up_throttled(told: Callable[[int], None] = lambda _through: None) -> None:
    """Count all events there are now, and tell through which at each step.

    Whoever else wants to write has at least half of the time.
    """
    started = time.monotonic()
    for _step in chain(steps(), [None]):  # No step is told after the last batch.
        told(counted_through())
        time.sleep(time.monotonic() - started)
        started = time.monotonic()


def recount(told: Callable[[int], None]) -> None:
    """Forget all that is counted, and count the events that are left."""
    with transactions.write_transaction():
        progress = locked_progress()
        progress.through = 0
        progress.save()
        Slot.objects.all().delete()
    catch_up_throttled(told)


def steps() -> Iterator[None]:
    """Count the events there are now in steps of a batch; when the steps end, all are counted."""
    newest = newest_event()
    if counted_through() >= newest:
        return  # Without taking the lock that writers need
    # Whoever writes now may hold an id below the newest, and bring it in when the newest is counted.
    before = writers()
    while before & writers():
        time.sleep(WRITERS_POLL)
        yield
    while count_batch(newest):
        yield


def writers() -> set[str]:
    """Return the transactions of others that are adding events.

    On SQLite nobody asks: there only one writes at a time, so ids are committed in their order.
    """
    if connection.vendor != "postgresql":
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT virtualtransaction FROM pg_locks"
            " WHERE relation = %s::regclass AND mode = 'RowExclusiveLock' AND pid <> pg_backend_pid()",
            [Event._meta.db_table],
        )
        return {transaction for (transaction,) in cursor.fetchall()}


def count_batch(newest: int) -> bool:
    """Count the next events up to the event `newest`, and tell whether there may be more."""
    with transactions.write_transaction():
        progress = locked_progress()
        events = events_between(progress.through, newest)
        if not events:
            return False
        add(by_quarter(earlier_events(events, progress.through), (event for _id, event in events)))
        progress.through = events[-1][0]
        progress.save()
    return len(events) == BATCH


def locked_progress() -> Progress:
    progress, _made = Progress.objects.select_for_update().get_or_create(pk=1)
    return progress


def progress() -> int:
    """Return how many percent of the events are counted."""
    return counted_through() * 100 // (newest_event() or 1)


def tallies_between(first: int, last: int) -> Iterator[tuple[int, Tally]]:
    """Yield quarters from `first` to before `last` with their tallies, those of the newest events apart."""
    slots = Slot.objects.filter(quarter__gte=first, quarter__lt=last)
    with transactions.read_snapshot():
        through = counted_through()
        kept = list(slots.values_list("quarter", *COLUMNS))
        events = events_between(through, newest_event())
        newest = by_quarter(earlier_events(events, through), (event for _id, event in events))
    yield from ((quarter, loaded(*columns)) for quarter, *columns in kept)
    yield from ((quarter, tally) for quarter, tally in newest.items() if first <= quarter < last)


def counted_through() -> int:
    return Progress.objects.filter(pk=1).values_list("through", flat=True).first() or 0


def newest_event() -> int:
    return Event.objects.aggregate(newest=Max("id"))["newest"] or 0


def events_between(after: int, newest: int) -> list[tuple[int, Happened]]:
    rows = Event.objects.filter(id__gt=after, id__lte=newest).order_by("id").values_list("id", *FIELDS)
    return [(pk, Happened(*columns)) for pk, *columns in rows[:BATCH]]


def earlier_events(events: Iterable[tuple[int, Happened]], through: int) -> Iterator[Happened]:
    """Yield what the incidents of `events` had been through up to the event `through`."""
    incidents = list({event.incident for _id, event in events})
    for start in range(0, len(incidents), BATCH):
        rows = Event.objects.filter(incident__in=incidents[start : start + BATCH], id__lte=through)
        yield from (Happened(*columns) for columns in rows.order_by("id").values_list(*FIELDS))


def add(tallies: dict[int, Tally]) -> None:
    """Add tallies to the slots of their quarters."""
    for quarter, *columns in Slot.objects.filter(quarter__in=tallies).values_list("quarter", *COLUMNS):
        tallies[quarter].add(loaded(*columns))
    Slot.objects.bulk_create(
        [
            Slot(
                quarter=quarter,
                reported=tally.reported,
                first_actions=tally.first_actions.tobytes(),
                resolutions=tally.resolutions.tobytes(),
                finished=tally.finished,
                false_alarms=tally.false_alarms,
            )
            for quarter, tally in tallies.items()
        ],
        update_conflicts=True,
        unique_fields=["quarter"],
        update_fields=COLUMNS,
    )


def loaded(reported: dict[str, int], first_actions: Any, resolutions: Any, finished: int, fake: int) -> Tally:
    tally = Tally(reported, finished=finished, false_alarms=fake)
    tally.first_actions.frombytes(first_actions)
    tally.resolutions.frombytes(resolutions)
    return tally
