"""An incident with its history as the POST dialect shows it.

Ten thousand events with long comments take a hundred megabytes, so a long history is read and sent in parts.
"""

from collections.abc import Iterator
from typing import Any

import orjson
from django.db.models import QuerySet
from django.http import HttpResponseBase, StreamingHttpResponse

from api.post.envelope import NO_STORE, respond
from incidents.api.post.items import event_item, whole_incident
from incidents.models import Event
from incidents.statements import IncidentRow

PART = 100  # events that are in memory at the same time
Items = list[dict[str, Any]]


def respond_with_history(row: IncidentRow) -> HttpResponseBase:
    events = Event.objects.filter(incident=row.id).order_by("id").select_related("by", "assignee")
    first = read(events)
    if len(first) < PART:
        return respond({"incident": whole_incident(row, first)})
    return StreamingHttpResponse(
        pieces(row, events, first), content_type="application/json", headers={"Cache-Control": NO_STORE}
    )


def read(events: QuerySet[Event], after: int = 0) -> Items:
    return [event_item(event) for event in events.filter(id__gt=after)[:PART]]


def pieces(row: IncidentRow, events: QuerySet[Event], first: Items) -> Iterator[bytes]:
    envelope = respond({"incident": whole_incident(row, [])}).content
    head, bracket, tail = envelope.rpartition(b"]")
    prefix, part = head, first
    while part:
        last = part[-1]["id"]
        piece = prefix + orjson.dumps(part)[1:-1]
        part.clear()
        yield piece
        prefix, part = b",", read(events, last)
    yield bracket + tail
