"""The statistics of a period, in days or hours of the current time zone.

report = of_period(date(2025, 11, 1), date(2025, 11, 30))
report.resolution.median      # timedelta, or None when nothing was resolved
"""

import math
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.utils import timezone

from incidents.models import UNFINISHED, Incident
from incidents.statistics import buckets
from incidents.statistics.aggregate import BUCKET_SECONDS, Aggregate, Deeds, bucket_of
from users.models import User

MAX_USERS = 20
NORM = timedelta(minutes=15)
DAYS_OF_WEEK, HOURS = 7, 24


@dataclass(frozen=True)
class Slot:
    """A day, or an hour of one: what was reported in it, by source, and finished.

    `unfinished` is how many were not finished at its end.
    """

    start: datetime
    reported: Counter[str]
    finished: int = 0
    unfinished: int = 0

    @property
    def day(self) -> date:
        return self.start.date()

    @property
    def total(self) -> int:
        return self.reported.total()


@dataclass(frozen=True)
class Spread:
    """How long something took: `number` of times, and exact percentiles of them."""

    number: int
    median: timedelta | None
    ninetieth: timedelta | None


@dataclass(frozen=True)
class Sums:
    reported: int
    first_action: Spread
    resolution: Spread
    finished: int
    false_alarms: int
    reopened: int
    acted_in_time: int  # of the first actions, those within `NORM`

    @property
    def false_alarm_share(self) -> float | None:
        """The share, from 0 to 1, of the finished that were false alarms; None when none was finished."""
        return max(0, self.false_alarms) / self.finished if self.finished else None

    @property
    def in_time_share(self) -> float | None:
        return self.acted_in_time / self.first_action.number if self.first_action.number else None


@dataclass(frozen=True)
class SenderReport(Sums):
    """What came of the reports of a user, a person or an integration; without a login the name is empty."""

    name: str


@dataclass(frozen=True)
class PersonReport:
    user: User
    taken: int
    resolution: Spread


@dataclass(frozen=True)
class Report(Sums):
    """`senders` are those who reported most, `people` those who did most, at most `MAX_USERS` each.

    `heat` has what was reported in each hour of each day of the week, Monday first.
    """

    slots: list[Slot]
    heat: list[list[int]]
    senders: list[SenderReport]
    people: list[PersonReport]


def of_period(first: date, last: date, *, by_hour: bool = False) -> Report:
    """Sum up the days from `first` to `last`, both included; the slots are days or hours."""
    starts = starts_of(first, last, by_hour=by_hour)
    by_slot = [Aggregate() for _start in starts[1:]]
    heat = [[0] * HOURS for _day in range(DAYS_OF_WEEK)]
    period = Aggregate()
    zone = timezone.get_current_timezone()
    for bucket, aggregate in buckets.aggregates_between(starts[0], starts[-1]):
        by_slot[bisect_right(starts, bucket) - 1].add(aggregate)
        period.add_users(aggregate)
        if aggregate.reported:
            local = datetime.fromtimestamp(bucket * BUCKET_SECONDS, zone)
            heat[local.weekday()][local.hour] += sum(aggregate.reported.values())
    for aggregate in by_slot:
        period.add(aggregate)
    return Report(
        slots=slots_of(starts, by_slot),
        heat=heat,
        senders=sender_reports(period.senders),
        people=person_reports(period.people),
        **sums(period),
    )


def sums_of_period(first: date, last: date) -> Sums:
    """Sum up the days from `first` to `last` as a whole."""
    period = Aggregate()
    end = first_bucket(last + timedelta(days=1))
    for _bucket, aggregate in buckets.aggregates_between(first_bucket(first), end, by_user=False):
        period.add(aggregate)
    return Sums(**sums(period))


def starts_of(first: date, last: date, *, by_hour: bool) -> list[int]:
    """Return the first buckets of the slots, and the one with which the period ends."""
    end = first_bucket(last + timedelta(days=1))
    if by_hour:
        # An hour that has not come yet is no slot.
        end = min(end, bucket_of(timezone.now()) // 4 * 4 + 4)
        return list(range(first_bucket(first), end + 1, 4))
    return [first_bucket(first + timedelta(days=n)) for n in range((last - first).days + 1)] + [end]


def slots_of(starts: list[int], by_slot: list[Aggregate]) -> list[Slot]:
    """Make the slots, going back from how many incidents are not finished now."""
    since = buckets.aggregates_between(starts[-1], None, by_user=False)
    now = Incident.objects.filter(status__in=UNFINISHED).count()
    unfinished = now - sum(one.unfinished_change for _bucket, one in since)
    zone = timezone.get_current_timezone()
    slots = []
    for start, aggregate in zip(reversed(starts[:-1]), reversed(by_slot), strict=True):
        at = datetime.fromtimestamp(start * BUCKET_SECONDS, zone)
        slots.append(Slot(at, Counter(aggregate.reported), aggregate.finished, max(0, unfinished)))
        unfinished -= aggregate.unfinished_change
    return slots[::-1]


def sums(aggregate: Aggregate) -> dict[str, Any]:
    return {
        "reported": sum(aggregate.reported.values()),
        "first_action": spread(aggregate.first_actions),
        "resolution": spread(aggregate.resolutions),
        "finished": aggregate.finished,
        "false_alarms": aggregate.false_alarms,
        "reopened": aggregate.reopened,
        "acted_in_time": sum(taken <= NORM.total_seconds() for taken in aggregate.first_actions),
    }


def sender_reports(senders: Mapping[str, Aggregate]) -> list[SenderReport]:
    reported = {key: sum(aggregate.reported.values()) for key, aggregate in senders.items()}
    most = sorted(senders, key=lambda key: (-reported[key], key))[:MAX_USERS]
    names = dict(User.objects.filter(pk__in=[key for key in most if key]).values_list("pk", "username"))
    return [SenderReport(name=names.get(int(key or 0), ""), **sums(senders[key])) for key in most]


def person_reports(people: Mapping[str, Deeds]) -> list[PersonReport]:
    most = sorted(people, key=lambda key: (-people[key].taken - len(people[key].resolutions), key))
    users = User.objects.in_bulk([int(key) for key in most[:MAX_USERS]])
    return [
        PersonReport(users[int(key)], people[key].taken, spread(people[key].resolutions))
        for key in most[:MAX_USERS]
        if int(key) in users
    ]


def first_bucket(day: date) -> int:
    """Return the bucket with which `day` begins in the current time zone."""
    return bucket_of(timezone.make_aware(datetime.combine(day, time.min)))


def spread(seconds: "array[int]") -> Spread:
    # A year has far fewer different numbers of seconds than numbers, so these are cheaper to sort.
    counted = sorted(Counter(seconds).items())
    return Spread(len(seconds), *(percentile(counted, len(seconds), share) for share in (0.5, 0.9)))


def percentile(counted: Iterable[tuple[int, int]], number: int, share: float) -> timedelta | None:
    """Interpolate linearly between the two nearest of `number` values, given as sorted (value, how often)."""
    rank = (number - 1) * share
    lower = upper = None
    seen = 0
    for value, times in counted:
        seen += times
        if lower is None and seen > math.floor(rank):
            lower = value
        if seen > math.ceil(rank):
            upper = value
            break
    if lower is None or upper is None:
        return None
    return timedelta(seconds=lower + (upper - lower) * (rank - math.floor(rank)))
