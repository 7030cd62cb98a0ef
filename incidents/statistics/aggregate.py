"""Adding up events by bucket, a quarter of an hour.

An incident's first action is its first event after the report; it is resolved by its first event that ends in
resolved or closed. Each counts for the time at which it happened. An incident counts as finished whenever
it leaves the active (or unknown) statuses, and as a false alarm whenever that is what it turns out to be.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Self

from incidents.models import FINISHED, Event, Status

BUCKET_SECONDS = 15 * 60
MAX_SECONDS = 2**32 - 1
RESOLVED = frozenset({Status.RESOLVED.value, Status.CLOSED.value})


def empty_seconds() -> "array[int]":
    return array("I")


@dataclass(slots=True)
class Aggregate:
    """Sums of events. The times are in seconds."""

    reported: dict[str, int] = field(default_factory=dict)
    first_actions: "array[int]" = field(default_factory=empty_seconds)
    resolutions: "array[int]" = field(default_factory=empty_seconds)
    finished: int = 0
    false_alarms: int = 0

    def add(self, other: Self) -> None:
        for source, number in other.reported.items():
            self.reported[source] = self.reported.get(source, 0) + number
        self.first_actions.extend(other.first_actions)
        self.resolutions.extend(other.resolutions)
        self.finished += other.finished
        self.false_alarms += other.false_alarms


class EventRow(NamedTuple):
    """What the aggregation needs of an event; `FIELDS` are its columns."""

    incident: int
    kind: str
    at: datetime
    status_from: str
    status_to: str
    source: str


FIELDS = ("incident_id", "kind", "at", "status_from", "status_to", "incident__source")


@dataclass(slots=True)
class IncidentState:
    """What an incident's events so far say about it."""

    reported_at: datetime | None = None
    acted: bool = False
    resolved: bool = False


def bucket_of(at: datetime) -> int:
    """Return the number of the bucket, counted from 1970 in UTC."""
    return int(at.timestamp()) // BUCKET_SECONDS


def aggregate_by_bucket(earlier: Iterable[EventRow], events: Iterable[EventRow]) -> dict[int, Aggregate]:
    """Add `events` up by bucket; `earlier` are the events that the same incidents had before."""
    states: defaultdict[int, IncidentState] = defaultdict(IncidentState)
    for event in earlier:
        add_event(event, states[event.incident], Aggregate())
    aggregates: defaultdict[int, Aggregate] = defaultdict(Aggregate)
    for event in events:
        add_event(event, states[event.incident], aggregates[bucket_of(event.at)])
    return dict(aggregates)


def add_event(event: EventRow, state: IncidentState, aggregate: Aggregate) -> None:
    """Add the next event of an incident to the aggregate and to the incident's state."""
    if event.kind == Event.Kind.CREATED:
        aggregate.reported[event.source] = aggregate.reported.get(event.source, 0) + 1
        state.reported_at = event.at
        return
    taken = elapsed(state.reported_at, event.at)
    if not state.acted and taken is not None:
        aggregate.first_actions.append(taken)
    state.acted = True
    if event.kind != Event.Kind.STATUS_CHANGED:
        return
    if event.status_to in RESOLVED:
        if not state.resolved and taken is not None:
            aggregate.resolutions.append(taken)
        state.resolved = True
    aggregate.finished += event.status_to in FINISHED and event.status_from not in FINISHED
    aggregate.false_alarms += event.status_to == Status.FAKE
    # A finished one that was no false alarm after all
    aggregate.false_alarms -= event.status_from == Status.FAKE and event.status_to in FINISHED


def elapsed(since: datetime | None, until: datetime) -> int | None:
    """Return whole seconds, 0 where the clock was set back meanwhile; None without a start."""
    if since is None:
        return None
    return min(max(0, round((until - since).total_seconds())), MAX_SECONDS)
