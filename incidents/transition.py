"""What a change makes of an incident, without the database."""

from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from incidents.event_writer import Entry
from incidents.models import Event, Status
from incidents.severity import Severity


class Keep(Enum):
    """What is left as it is, where None is a value."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP


class State(NamedTuple):
    """What of an incident can change, in stored values. `assignee` is a user's id."""

    status: str
    severity: str | None
    assignee: int | None


@dataclass(frozen=True, slots=True)
class Change:
    """What is asked for: a status that is not set where the present one is in `keep_if_in`, and all else.

    `taken_by` is the id of a user who gets the incident by setting it in progress, if nobody has it.
    """

    status: Status | None
    keep_if_in: frozenset[Status]
    comment: str
    severity: Severity | Keep | None
    assignee: int | Keep | None
    taken_by: int | None

    def of(self, present: State) -> State:
        """Return the incident's state after the change."""
        status = present.status
        if self.status is not None and present.status not in self.keep_if_in:
            status = self.status.value
        assignee = present.assignee if self.assignee is KEEP else self.assignee
        if self.assignee is KEEP and assignee is None and status == Status.IN_PROGRESS != present.status:
            assignee = self.taken_by
        return State(
            status,
            present.severity if self.severity is KEEP else self.severity and self.severity.value,
            assignee,
        )

    def entries(self, before: State, after: State) -> list[Entry]:
        """Return what the history says of it, an entry for each thing that changes."""
        found = []
        if after.status != before.status:
            found.append(Entry(Event.Kind.STATUS_CHANGED, before.status, after.status, self.comment))
        elif self.comment:
            found.append(Entry(Event.Kind.COMMENTED, after.status, after.status, self.comment))
        if after.severity != before.severity:
            found.append(Entry(Event.Kind.SEVERITY, after.status, after.status, severity=after.severity))
        if after.assignee != before.assignee:
            found.append(Entry(Event.Kind.ASSIGNED, after.status, after.status, assignee=after.assignee))
        return found
