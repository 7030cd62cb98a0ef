"""Adding to an incident's history."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from incidents import statements
from incidents.models import Event


class Entry(NamedTuple):
    """What an event says, in stored values. `severity` and the id of the `assignee` are the new ones."""

    kind: Event.Kind
    status_from: str
    status_to: str
    comment: str = ""
    severity: str | None = None
    assignee: int | None = None


def add(incident_id: int, entry: Entry, at: datetime, by: int | None, channel: Event.Channel) -> None:
    values = {
        "incident": incident_id,
        "kind": entry.kind.value,
        "at": at,
        "by": by,
        "channel": channel.value,
        "status_from": entry.status_from,
        "status_to": entry.status_to,
        "comment": entry.comment,
    }
    if entry.severity is None and entry.assignee is None:
        statements.insert_event.rows(**values)
    else:
        values |= {"severity": entry.severity, "assignee": entry.assignee}
        statements.insert_event_with_values.rows(**values)


def add_all(
    entries: Iterable[tuple[int, Entry]], at: datetime, by: int | None, channel: Event.Channel
) -> None:
    """Add an entry to the history of each incident; an incident may be there several times."""
    statements.insert_event_with_values.many(
        [(pk, one.kind.value, at, by, channel.value, *one[1:]) for pk, one in entries]
    )
