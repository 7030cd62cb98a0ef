"""The statistics of a period, in days of the current time zone.

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

from incidents.statistics import buckets
from incidents.statistics.aggregate import Aggregate, bucket_of
from users.models import User

MAX_SENDERS = 20


@dataclass(frozen=True)
class Day:
    """The incidents reported on one day, by source."""

    day: date
    reported: Counter[str]

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
    first_action: Spread
    resolution: Spread
    finished: int
    false_alarms: int

    @property
    def false_alarm_share(self) -> float | None:
        """The share, from 0 to 1, of the finished that were false alarms; None when none was finished."""
        return max(0, self.false_alarms) / self.finished if self.finished else None


@dataclass(frozen=True)
class SenderReport(Sums):
    """What came of the reports of a user, a person or an integration; without a login the name is empty."""

    name: str
    reported: int


@dataclass(frozen=True)
class Report(Sums):
    """`senders` are those who reported most, at most `MAX_SENDERS`."""

    days: list[Day]
    senders: list[SenderReport]

    @property
    def total(self) -> int:
        return sum(day.total for day in self.days)


def of_period(first: date, last: date) -> Report:
    """Sum up the days from `first` to `last`, both included."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    starts = [first_bucket(day) for day in [*days, last + timedelta(days=1)]]
    by_day = [Aggregate() for _day in days]
    period = Aggregate()
    for bucket, aggregate in buckets.aggregates_between(starts[0], starts[-1]):
        by_day[bisect_right(starts, bucket) - 1].add(aggregate)
        period.add_senders(aggregate)
    for aggregate in by_day:
        period.add(aggregate)
    return Report(
        days=[Day(day, Counter(aggregate.reported)) for day, aggregate in zip(days, by_day, strict=True)],
        senders=sender_reports(period.senders),
        **sums(period),
    )


def sums(aggregate: Aggregate) -> dict[str, Any]:
    return {
        "first_action": spread(aggregate.first_actions),
        "resolution": spread(aggregate.resolutions),
        "finished": aggregate.finished,
        "false_alarms": aggregate.false_alarms,
    }


def sender_reports(senders: Mapping[str, Aggregate]) -> list[SenderReport]:
    reported = {key: sum(aggregate.reported.values()) for key, aggregate in senders.items()}
    most = sorted(senders, key=lambda key: (-reported[key], key))[:MAX_SENDERS]
    names = dict(User.objects.filter(pk__in=[key for key in most if key]).values_list("pk", "username"))
    return [
        SenderReport(name=names.get(int(key or 0), ""), reported=reported[key], **sums(senders[key]))
        for key in most
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
