"""Adding up events.

An incident's first action is its first event after the report; it is resolved by its first event that ends in
resolved or closed. Each counts for the moment at which it happened. An incident counts as finished whenever
it leaves the active (or unknown) statuses, and as a false alarm whenever that is what it turns out to be.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Self

from incidents.models import FINISHED, Event, Status

QUARTER_SECONDS = 15 * 60
MAX_SECONDS = 2**32 - 1
RESOLVED = frozenset({Status.RESOLVED.value, Status.CLOSED.value})


def seconds() -> "array[int]":
    return array("I")


@dataclass(slots=True)
class Tally:
    """Sums of events. The times are in seconds."""

    reported: dict[str, int] = field(default_factory=dict)
    first_actions: "array[int]" = field(default_factory=seconds)
    resolutions: "array[int]" = field(default_factory=seconds)
    finished: int = 0
    false_alarms: int = 0

    def add(self, other: Self) -> None:
        for source, number in other.reported.items():
            self.reported[source] = self.reported.get(source, 0) + number
        self.first_actions.extend(other.first_actions)
        self.resolutions.extend(other.resolutions)
        self.finished += other.finished
        self.false_alarms += other.false_alarms


class Happened(NamedTuple):
    """What a tally needs to know of an event; `FIELDS` are its columns."""

    incident: int
    kind: str
    at: datetime
    before: str
    after: str
    source: str


FIELDS = ("incident_id", "kind", "at", "status_from", "status_to", "incident__source")


@dataclass(slots=True)
class Past:
    """What has already happened to an incident."""

    reported_at: datetime | None = None
    acted: bool = False
    resolved: bool = False


def quarter_of(moment: datetime) -> int:
    return int(moment.timestamp()) // QUARTER_SECONDS


def by_quarter(earlier: Iterable[Happened], events: Iterable[Happened]) -> dict[int, Tally]:
    """Add `events` up by quarter; `earlier` are the events that the same incidents had before."""
    pasts: defaultdict[int, Past] = defaultdict(Past)
    for event in earlier:
        count(event, pasts[event.incident], Tally())
    tallies: defaultdict[int, Tally] = defaultdict(Tally)
    for event in events:
        count(event, pasts[event.incident], tallies[quarter_of(event.at)])
    return dict(tallies)


def count(event: Happened, past: Past, tally: Tally) -> None:
    """Add one event, the next of its incident, to the tally and to the incident's past."""
    if event.kind == Event.Kind.CREATED:
        tally.reported[event.source] = tally.reported.get(event.source, 0) + 1
        past.reported_at = event.at
        return
    taken = elapsed(past.reported_at, event.at)
    if not past.acted and taken is not None:
        tally.first_actions.append(taken)
    past.acted = True
    if event.kind != Event.Kind.STATUS_CHANGED:
        return
    if event.after in RESOLVED:
        if not past.resolved and taken is not None:
            tally.resolutions.append(taken)
        past.resolved = True
    tally.finished += event.after in FINISHED and event.before not in FINISHED
    tally.false_alarms += event.after == Status.FAKE
    # A finished one that was no false alarm after all
    tally.false_alarms -= event.before == Status.FAKE and event.after in FINISHED


def elapsed(since: datetime | None, until: datetime) -> int | None:
    """Return whole seconds; none passed where the clock was set back meanwhile."""
    if since is None:
        return None
    return min(max(0, round((until - since).total_seconds())), MAX_SECONDS)
