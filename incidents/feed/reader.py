"""A page of the feed: what happened after a cursor, and how the incidents are now.

page = read_page(Cursor.from_text(text), limit=100)
page.events, page.incidents[page.events[0].incident_id], str(page.next), page.more
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models.functions import Length

from incidents.feed.cursor import Cursor, CursorExpired
from incidents.feed.settled import horizon, newest_event_id, settled_events
from incidents.models import Event, Incident
from incidents.statements import INCIDENT_COLUMNS, IncidentRow

MAX_PAGE_SIZE = 1000
DEFAULT_PAGE_SIZE = 100
# The feed promises an event within a second of its commit.
MAX_WAIT = 0.9  # seconds
# Each event carries its incident, and an incident may have thousands of events.
MAX_PAGE_CHARACTERS = 1_000_000


@dataclass(frozen=True, slots=True)
class Page:
    events: Sequence[Event]
    incidents: Mapping[int, IncidentRow]
    next: Cursor
    more: bool


def read_page(after: Cursor | None, limit: int) -> Page:
    """Return up to `limit` events after the cursor, None for the beginning. Raises `CursorExpired`."""
    start = after or Cursor.at(0)
    found = settled_events(start.event_id, limit + 1, wait=MAX_WAIT)
    events = found[:limit]
    events = events[: fitting(events)]
    ids = {event.incident_id for event in events}
    rows = Incident.objects.filter(id__in=ids).values_list(*INCIDENT_COLUMNS)
    incidents = {row[0]: IncidentRow(*row) for row in rows}
    # Afterwards: a prune in between has deleted events that this page would have had.
    checked = start.checked()
    if not events and start.event_id > newest_event_id():
        raise CursorExpired
    last = checked._replace(event_id=events[-1].pk) if events else checked
    return Page(events, incidents, last, more=len(found) > len(events))


def fitting(events: Sequence[Event]) -> int:
    """Count the events, at least one, whose texts fit into a page."""
    lengths = dict(
        Incident.objects.filter(id__in={event.incident_id for event in events}).values_list(
            "id", Length("description")
        )
    )
    characters = 0
    for number, event in enumerate(events):
        characters += len(event.comment) + lengths.get(event.incident_id, 0)
        if characters > MAX_PAGE_CHARACTERS and number:
            return number
    return len(events)


def read_end() -> Page:
    """Return the page without events behind which only what comes will be."""
    return Page([], {}, Cursor.at(horizon.observe()), more=False)
