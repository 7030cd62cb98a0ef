"""What receivers got compared with the events in the database."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from resilience.audit import query
from resilience.service import Service
from testing.receiver import Received

EVENTS = (
    "SELECT e.id, e.incident_id, e.kind, e.status_to, i.description FROM incidents_event e"
    " JOIN incidents_incident i ON i.id = e.incident_id ORDER BY e.id"
)


@dataclass(frozen=True)
class Happened:
    """An event as the database and a receiver both know it."""

    event: int
    incident: int
    kind: str
    status: str
    text: str


@dataclass(frozen=True)
class Receipt:
    """One request at a receiver, in the order in which they came."""

    path: str
    message: str
    happened: Happened
    accepted: bool

    @classmethod
    def of(cls, received: Received, *, accepted: bool) -> Self:
        data = json.loads(received.body)["data"]
        event, incident = data["event"], data["incident"]
        happened = Happened(
            event["id"], incident["id"], event["kind"], event["status_to"], incident["description"]
        )
        return cls(received.path, received.headers["webhook-id"], happened, accepted)


@dataclass(frozen=True)
class Expected:
    """A destination, and which events it is to be told of."""

    path: str
    kind: str = ""
    status: str = ""

    @property
    def options(self) -> list[str]:
        """Return the options of `manage.py destination add`."""
        given = {"--kinds": self.kind, "--statuses": self.status}
        return [f"{name}={value}" for name, value in given.items() if value]

    def wants(self, one: Happened) -> bool:
        return self.kind in {"", one.kind} and self.status in {"", one.status}


@dataclass
class Audit:
    """What is wrong, sentence by sentence, and how often something came again."""

    lost: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    expected: int = 0
    received: int = 0
    accepted_again: int = 0

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.invented or self.disordered) and self.expected > 0

    def __str__(self) -> str:
        problems = (self.lost, self.invented, self.disordered)
        examples = [kind[0] for kind in problems if kind]
        more = f" ({'; '.join(examples)})" if examples else ""
        return (
            f"{' / '.join(str(len(kind)) for kind in problems)}{more} of {self.expected:,};"
            f" {self.received:,} requests, {self.accepted_again:,} accepted once more"
        )


def audit(service: Service, destinations: Sequence[Expected], receipts: Sequence[Receipt]) -> Audit:
    """Compare; nothing may be written or delivered meanwhile."""
    events = [Happened(*row) for row in query(service, EVENTS)]
    by_path: dict[str, list[Receipt]] = defaultdict(list)
    for receipt in receipts:
        by_path[receipt.path].append(receipt)
    found = Audit(received=len(receipts))
    for destination in destinations:
        compare(destination, events, by_path[destination.path], found)
    return found


def compare(
    destination: Expected, events: Sequence[Happened], receipts: Sequence[Receipt], found: Audit
) -> None:
    due = {one.event: one for one in events if destination.wants(one)}
    of_incident: dict[int, list[int]] = defaultdict(list)
    for one in due.values():
        of_incident[one.incident].append(one.event)
    accepted: set[int] = set()
    messages: dict[int, str] = {}
    for receipt in receipts:
        one, name = receipt.happened, f"{destination.path}: event {receipt.happened.event}"
        if due.get(one.event) != one:
            found.invented.append(f"{name} was {due.get(one.event)} and is told as {one}")
            continue
        if messages.setdefault(one.event, receipt.message) != receipt.message:
            found.invented.append(f"{name} came under two message ids")
        missing = [
            event for event in of_incident[one.incident] if event < one.event and event not in accepted
        ]
        if missing:
            found.disordered.append(f"{name} came before event {missing[0]}")
        if receipt.accepted:
            found.accepted_again += one.event in accepted
            accepted.add(one.event)
    found.expected += len(due)
    found.lost += [f"{destination.path}: event {event} never came" for event in due.keys() - accepted]
