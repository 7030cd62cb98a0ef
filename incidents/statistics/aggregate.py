"""Adding up events by bucket, a quarter of an hour.

An incident's first action is its first event after the report that is not its sender's own, through a hook;
it is resolved by its first event that ends in resolved or closed, whoever ends it. Each counts for the time
at which it happened. An incident counts as finished whenever it leaves the active (or unknown) statuses, and
as a false alarm whenever that is what it turns out to be, and as reopened whenever it comes back. A person
takes what they set in progress, and resolves what they resolve first.
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
NOBODY = ""
RESOLVED = frozenset({Status.RESOLVED.value, Status.CLOSED.value})


def empty_seconds() -> "array[int]":
    return array("I")


@dataclass(slots=True)
class Deeds:
    """How many incidents a person took, and the seconds from report to resolution of those they resolved."""

    taken: int = 0
    resolutions: "array[int]" = field(default_factory=empty_seconds)

    def add(self, other: Self) -> None:
        self.taken += other.taken
        self.resolutions.extend(other.resolutions)


@dataclass(slots=True)
class Aggregate:
    """Sums of events. The times are in seconds.

    `senders` has the sums of each reporter, `people` those of each who acted, by the user's id.
    """

    reported: dict[str, int] = field(default_factory=dict)
    first_actions: "array[int]" = field(default_factory=empty_seconds)
    resolutions: "array[int]" = field(default_factory=empty_seconds)
    finished: int = 0
    false_alarms: int = 0
    reopened: int = 0
    senders: "dict[str, Aggregate]" = field(default_factory=dict)
    people: dict[str, Deeds] = field(default_factory=dict)

    @property
    def unfinished_change(self) -> int:
        """How many more incidents are not finished than before."""
        return sum(self.reported.values()) + self.reopened - self.finished

    def of_sender(self, key: str) -> "Aggregate":
        if key not in self.senders:
            self.senders[key] = Aggregate()
        return self.senders[key]

    def of_person(self, key: str) -> Deeds:
        if key not in self.people:
            self.people[key] = Deeds()
        return self.people[key]

    def add_users(self, other: Self) -> None:
        """Add the sums of senders and of people."""
        for key, sums in other.senders.items():
            self.of_sender(key).add(sums)
        for key, deeds in other.people.items():
            self.of_person(key).add(deeds)

    def add(self, other: Self) -> None:
        """Add all but the sums of senders and of people."""
        for source, number in other.reported.items():
            self.reported[source] = self.reported.get(source, 0) + number
        self.first_actions.extend(other.first_actions)
        self.resolutions.extend(other.resolutions)
        self.finished += other.finished
        self.false_alarms += other.false_alarms
        self.reopened += other.reopened


class EventRow(NamedTuple):
    """What the aggregation needs of an event; `FIELDS` are its columns."""

    incident: int
    kind: str
    at: datetime
    status_from: str
    status_to: str
    channel: str
    source: str
    sender: int | None
    by: int | None


FIELDS = (
    *("incident_id", "kind", "at", "status_from", "status_to", "channel"),
    *("incident__source", "incident__created_by_id", "by_id"),
)
CHANGES_OF_STATUS = frozenset({Event.Kind.STATUS_CHANGED.value, Event.Kind.REOPENED.value})


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
    sender = NOBODY if event.sender is None else str(event.sender)
    for sums in (aggregate, aggregate.of_sender(sender)):
        add_to_sums(event, state, sums)
    if event.by is not None and event.channel != Event.Channel.HOOK:
        add_to_deeds(event, state, aggregate)
    if event.kind == Event.Kind.CREATED:
        state.reported_at = event.at
        return
    state.acted = state.acted or event.channel != Event.Channel.HOOK
    state.resolved = state.resolved or (event.kind in CHANGES_OF_STATUS and event.status_to in RESOLVED)


def add_to_sums(event: EventRow, before: IncidentState, sums: Aggregate) -> None:
    if event.kind == Event.Kind.CREATED:
        sums.reported[event.source] = sums.reported.get(event.source, 0) + 1
        return
    taken = elapsed(before.reported_at, event.at)
    if not before.acted and event.channel != Event.Channel.HOOK and taken is not None:
        sums.first_actions.append(taken)
    if event.kind not in CHANGES_OF_STATUS:
        return
    if event.status_to in RESOLVED and not before.resolved and taken is not None:
        sums.resolutions.append(taken)
    sums.reopened += event.status_from in FINISHED and event.status_to not in FINISHED
    sums.finished += event.status_to in FINISHED and event.status_from not in FINISHED
    sums.false_alarms += event.status_to == Status.FAKE
    # A finished one that was no false alarm after all
    sums.false_alarms -= event.status_from == Status.FAKE and event.status_to in FINISHED


def add_to_deeds(event: EventRow, before: IncidentState, sums: Aggregate) -> None:
    if event.kind not in CHANGES_OF_STATUS:
        return
    if event.status_to == Status.IN_PROGRESS:
        sums.of_person(str(event.by)).taken += 1
    taken = elapsed(before.reported_at, event.at)
    if event.status_to in RESOLVED and not before.resolved and taken is not None:
        sums.of_person(str(event.by)).resolutions.append(taken)


def elapsed(since: datetime | None, until: datetime) -> int | None:
    """Return whole seconds, 0 where the clock was set back meanwhile; None without a start."""
    if since is None:
        return None
    return min(max(0, round((until - since).total_seconds())), MAX_SECONDS)
