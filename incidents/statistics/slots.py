"""Keeping the slots up with the events.

keep_up(budget=1.0)                 # seconds; True when nothing old is left to count
tallies_between(first, last)        # {quarter: Tally}, the newest events included
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import takewhile
from typing import Any

from django.db.models import Max
from django.utils import timezone

from config import databases
from incidents.models import Event
from incidents.statistics.models import Progress, Slot
from incidents.statistics.tally import FIELDS, Happened, Tally, by_quarter

BATCH = 5000
# By then every transaction has ended that could still add an event with a smaller id.
SETTLED = timedelta(minutes=1)
COLUMNS = ["reported", "first_actions", "resolutions", "finished", "false_alarms"]

Numbered = tuple[int, Happened]


def keep_up(budget: float) -> bool:
    """Count settled events into the slots for up to `budget` seconds; tell whether all are counted."""
    deadline = time.monotonic() + budget
    while count_batch():
        if time.monotonic() > deadline:
            return False
    return True


def count_batch() -> bool:
    """Count the next events, and tell whether there may be more."""
    if not settled(events_after(counted_through(), 1)):
        return False  # Without taking the lock that writers need
    with databases.write_transaction():
        progress, _made = Progress.objects.select_for_update().get_or_create(pk=1)
        events = settled(events_after(progress.through, BATCH))
        if not events:
            return False
        add(by_quarter(earlier_events(events, progress.through), (event for _id, event in events)))
        progress.through = events[-1][0]
        progress.save()
    return len(events) == BATCH


def progress() -> int:
    """Return how many percent of the events are counted."""
    newest = Event.objects.aggregate(newest=Max("id"))["newest"] or 1
    return counted_through() * 100 // newest


def tallies_between(first: int, last: int) -> Iterator[tuple[int, Tally]]:
    """Yield quarters from `first` to before `last` with their tallies, the newest events' apart."""
    slots = Slot.objects.filter(quarter__gte=first, quarter__lt=last)
    while True:
        through = counted_through()
        kept = list(slots.values_list("quarter", *COLUMNS))
        if counted_through() == through:  # Else what was counted meanwhile might be missed, or taken twice.
            break
    yield from ((quarter, loaded(*columns)) for quarter, *columns in kept)
    events = events_after(through)
    newest = by_quarter(earlier_events(events, through), (event for _id, event in events))
    yield from ((quarter, tally) for quarter, tally in newest.items() if first <= quarter < last)


def counted_through() -> int:
    return Progress.objects.filter(pk=1).values_list("through", flat=True).first() or 0


def events_after(event_id: int, most: int | None = None) -> list[Numbered]:
    rows = Event.objects.filter(id__gt=event_id).order_by("id").values_list("id", *FIELDS)[:most]
    return [(pk, Happened(*columns)) for pk, *columns in rows]


def settled(events: Sequence[Numbered]) -> list[Numbered]:
    """Return the events up to the first that is too new to count."""
    now = timezone.now()
    # An event from the future was written before the clock was set back.
    return list(takewhile(lambda numbered: not now - SETTLED < numbered[1].at <= now, events))


def earlier_events(events: Iterable[Numbered], through: int) -> Iterator[Happened]:
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
