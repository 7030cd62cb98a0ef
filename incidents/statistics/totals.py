"""Sums of all events that were ever counted, for metrics: what is pruned stays in them."""

from array import array
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Self

from incidents.statistics.aggregate import Aggregate

BOUNDS = (60, 300, 900, 3600, 4 * 3600, 24 * 3600, 7 * 24 * 3600)  # seconds


@dataclass(slots=True)
class Durations:
    """How many took up to each of `BOUNDS` and, last, longer; with the sum of all their seconds."""

    numbers: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    seconds: int = 0

    def add(self, durations: "array[int]") -> None:
        for duration in durations:
            self.numbers[bisect_left(BOUNDS, duration)] += 1
        self.seconds += sum(durations)


@dataclass(slots=True)
class Totals:
    reported: Counter[str] = field(default_factory=Counter)
    first_actions: Durations = field(default_factory=Durations)
    resolutions: Durations = field(default_factory=Durations)

    def add(self, aggregate: Aggregate) -> None:
        self.reported.update(aggregate.reported)
        self.first_actions.add(aggregate.first_actions)
        self.resolutions.add(aggregate.resolutions)

    def to_json(self) -> dict[str, Any]:
        times = {name: getattr(self, name) for name in ("first_actions", "resolutions")}
        return {
            "reported": dict(self.reported),
            **{name: [one.numbers, one.seconds] for name, one in times.items()},
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """Read what `to_json` wrote; nothing yet is an empty object."""
        if not stored:
            return cls()
        times = (Durations(*stored[name]) for name in ("first_actions", "resolutions"))
        return cls(Counter(stored["reported"]), *times)
