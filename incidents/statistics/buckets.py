"""Counting events into buckets.

catch_up(budget=1.0)               # seconds; True when at most a batch of events is left to count
aggregates_between(first, last)    # (bucket, Aggregate), the batch that is left included
"""

import time
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from common.db import transactions
from common.db.json_columns import as_text, decoded
from incidents.feed import settled
from incidents.feed.settled import newest_event_id
from incidents.models import Event
from incidents.statistics.aggregate import FIELDS, Aggregate, Deeds, EventRow, aggregate_by_bucket
from incidents.statistics.models import Bucket, CountedEvents
from incidents.statistics.totals import Totals

BATCH = 5000
WRITERS_POLL = 0.005  # seconds
MAX_WRITER_WAIT = 60.0  # seconds; a batch of an import takes less than one
SUMS = ["reported", "first_actions", "resolutions", "finished", "false_alarms", "reopened"]
COLUMNS = [*SUMS, "senders", "people"]
JSON = {"reported", "senders", "people"}


class WriterNotFinished(Exception):
    """A transaction that adds events stays open, so the events up to now cannot be counted yet."""

    def __init__(self, pids: Collection[int]) -> None:
        super().__init__(
            f"a transaction that adds incidents has been open for {MAX_WRITER_WAIT:g} s (PostgreSQL's process"
            f" {', '.join(map(str, sorted(pids)))}); end it and run this again"
        )


def catch_up(budget: float) -> bool:
    """Count for up to `budget` seconds; tell whether `aggregates_between` can add the rest by itself.

    With at most a batch of events left it writes nothing, so reading goes on while writers have to wait.
    """
    deadline = time.monotonic() + budget
    uncounted = Event.objects.filter(id__gt=counted_through())
    return not uncounted[BATCH:].exists() or all(time.monotonic() <= deadline for _step in steps())


def catch_up_throttled(on_progress: Callable[[int], None] = lambda _event_id: None) -> None:
    """Count all events there are now, and leave at least half of the time to other writers.

    `on_progress` is called with the id of the last counted event after each batch.

    Raises `WriterNotFinished`.
    """
    started = time.monotonic()
    for _step in chain(steps(), [None]):  # The last batch yields no step.
        on_progress(counted_through())
        time.sleep(time.monotonic() - started)
        started = time.monotonic()


def recount(on_progress: Callable[[int], None]) -> None:
    """Delete all buckets, and count the events that are left. Raises `WriterNotFinished`."""
    with transaction.atomic():
        counted = locked_counted_events()
        counted.through, counted.totals = 0, {}
        counted.save()
        Bucket.objects.all().delete()
    catch_up_throttled(on_progress)


def steps() -> Iterator[None]:
    """Count the events there are now, a batch a step; when the steps end, all are counted."""
    newest = newest_event_id()
    if counted_through() >= newest:
        return  # Without taking the write lock
    deadline = time.monotonic() + MAX_WRITER_WAIT
    while settled.horizon.observe() < newest:
        if time.monotonic() > deadline:
            raise WriterNotFinished(settled.open_writers().values())
        time.sleep(WRITERS_POLL)
        yield
    while count_batch(newest):
        yield


def count_batch(newest: int) -> bool:
    """Count the next events up to the event `newest`, and tell whether there may be more."""
    with transaction.atomic():
        counted = locked_counted_events()
        events = events_between(counted.through, newest)
        if not events:
            return False
        earlier = earlier_events(events, counted.through)
        aggregates = aggregate_by_bucket(earlier, (event for _id, event in events))
        counted.totals = with_sums(counted, aggregates.values()).to_json()
        add_to_buckets(aggregates)
        counted.through = events[-1][0]
        counted.save()
    return len(events) == BATCH


def locked_counted_events() -> CountedEvents:
    counted, _made = CountedEvents.objects.select_for_update().get_or_create(pk=1)
    return counted


def percent_counted() -> int:
    return counted_through() * 100 // (newest_event_id() or 1)


def aggregates_between(
    first: int, last: int | None, *, by_user: bool = True
) -> Iterator[tuple[int, Aggregate]]:
    """Yield buckets from `first` to before `last`, or all since, with their aggregates.

    A bucket of the newest events, which are added while reading, comes a second time. Without `by_user` the
    stored ones have no sums of senders and people, which take longest to read.
    """
    buckets = Bucket.objects.filter(number__gte=first)
    if last is not None:
        buckets = buckets.filter(number__lt=last)
    with transactions.read_snapshot():
        through = counted_through()
        stored = stored_columns(buckets, COLUMNS if by_user else SUMS)
        events = events_between(through, newest_event_id())
        newest = aggregate_by_bucket(earlier_events(events, through), (event for _id, event in events))
    yield from ((number, from_columns(*columns)) for number, *columns in stored)
    yield from (
        (number, aggregate)
        for number, aggregate in newest.items()
        if number >= first and (last is None or number < last)
    )


def totals() -> Totals:
    """Return the sums of all events that are counted, and of the next batch of those that are not."""
    with transactions.read_snapshot():
        counted = CountedEvents.objects.filter(pk=1).first() or CountedEvents()
        events = events_between(counted.through, newest_event_id())
        newest = aggregate_by_bucket(
            earlier_events(events, counted.through), (event for _id, event in events)
        )
    return with_sums(counted, newest.values())


def with_sums(counted: CountedEvents, aggregates: Iterable[Aggregate]) -> Totals:
    totals = Totals.from_json(counted.totals)
    for aggregate in aggregates:
        totals.add(aggregate)
    return totals


def counted_through() -> int:
    return CountedEvents.objects.filter(pk=1).values_list("through", flat=True).first() or 0


def events_between(after: int, newest: int) -> list[tuple[int, EventRow]]:
    rows = Event.objects.filter(id__gt=after, id__lte=newest).order_by("id").values_list("id", *FIELDS)
    return [(pk, EventRow(*columns)) for pk, *columns in rows[:BATCH]]


def earlier_events(events: Iterable[tuple[int, EventRow]], through: int) -> Iterator[EventRow]:
    """Yield the events up to the event `through` of the incidents of `events`."""
    incidents = list({event.incident for _id, event in events})
    for start in range(0, len(incidents), BATCH):
        rows = Event.objects.filter(incident__in=incidents[start : start + BATCH], id__lte=through)
        yield from (EventRow(*columns) for columns in rows.order_by("id").values_list(*FIELDS))


def add_to_buckets(aggregates: dict[int, Aggregate]) -> None:
    for number, *columns in stored_columns(Bucket.objects.filter(number__in=aggregates), COLUMNS):
        before = from_columns(*columns)
        aggregates[number].add(before)
        aggregates[number].add_users(before)
    Bucket.objects.bulk_create(
        [
            Bucket(
                number=number,
                reported=aggregate.reported,
                first_actions=aggregate.first_actions.tobytes(),
                resolutions=aggregate.resolutions.tobytes(),
                finished=aggregate.finished,
                false_alarms=aggregate.false_alarms,
                reopened=aggregate.reopened,
                senders={key: to_json(sums) for key, sums in aggregate.senders.items()},
                people={
                    key: [deeds.taken, deeds.resolutions.tobytes().hex()]
                    for key, deeds in aggregate.people.items()
                },
            )
            for number, aggregate in aggregates.items()
        ],
        update_conflicts=True,
        unique_fields=["number"],
        update_fields=COLUMNS,
    )


def stored_columns(buckets: QuerySet[Bucket], names: list[str]) -> list[Any]:
    """Return the number of each bucket and its columns, as `from_columns` takes them."""
    return list(buckets.values_list("number", *(as_text(name) if name in JSON else name for name in names)))


def from_columns(*columns: Any) -> Aggregate:
    """Make the aggregate of a row's `COLUMNS`, or of its `SUMS` alone."""
    row = dict(zip(COLUMNS, columns, strict=False))
    row |= {name: decoded(row[name]) for name in JSON & row.keys()}
    aggregate = Aggregate(
        row["reported"],
        finished=row["finished"],
        false_alarms=row["false_alarms"],
        reopened=row["reopened"],
    )
    aggregate.first_actions.frombytes(row["first_actions"])
    aggregate.resolutions.frombytes(row["resolutions"])
    aggregate.senders = {key: from_json(*values) for key, values in row.get("senders", {}).items()}
    aggregate.people = {
        key: Deeds(taken, array("I", bytes.fromhex(times)))
        for key, (taken, times) in row.get("people", {}).items()
    }
    return aggregate


def to_json(sums: Aggregate) -> list[Any]:
    times = (sums.first_actions.tobytes().hex(), sums.resolutions.tobytes().hex())
    return [sums.reported, *times, sums.finished, sums.false_alarms, sums.reopened]


def from_json(reported: dict[str, int], actions: str, resolutions: str, *numbers: int) -> Aggregate:
    times = array("I", bytes.fromhex(actions)), array("I", bytes.fromhex(resolutions))
    # What was counted before there was `reopened` has two numbers.
    finished, false_alarms, *reopened = numbers
    return Aggregate(reported, *times, finished, false_alarms, sum(reopened))
