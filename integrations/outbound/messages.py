"""What a destination is told: JSON for machines, a text for people."""

import functools
from collections.abc import Sequence
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from common.datetimes import to_utc_microseconds
from incidents.api.rest.serializers import EventSerializer, represent
from incidents.models import Event, Incident
from incidents.statements import IncidentRow
from integrations.outbound.models import Delivery, Destination
from integrations.outbound.transports.base import Message
from integrations.outbound.waiting import in_words

MAX_PAYLOAD_BYTES = 20_000  # Standard Webhooks 1.0, "Payload size"
MAX_SHOWN_LENGTH = 1000
MAX_TITLE_LENGTH = 120
MAX_LISTED = 10


@functools.cache
def event_serializer() -> EventSerializer:
    """Return the one for all messages: to make its fields takes ten times as long as to use them."""
    return EventSerializer()


def for_machines(delivery: Delivery, event: Event, row: IncidentRow) -> Message:
    """Return the event in REST's words, at most `MAX_PAYLOAD_BYTES` long: longer texts are cut, with "…"."""
    with translation.override("en"), timezone.override(UTC):
        incident = represent([row])[0]
        happened = dict(event_serializer().to_representation(event))
    payload: dict[str, Any] = {
        "type": f"incident.{event.kind}",
        "timestamp": f"{to_utc_microseconds(event.at)}Z",
        "data": {"incident": incident, "event": happened},
    }
    for texts, name in ((incident, "description"), (happened, "comment")):
        for length in (4000, 1000):
            if len(orjson.dumps(payload)) > MAX_PAYLOAD_BYTES and len(texts[name]) > length:
                texts[name] = texts[name][: length - 1] + "…"
    return Message(delivery.message_id, "", "", payload, event.incident_id)


def for_people(
    delivery: Delivery, destination: Destination, event: Event, incident: Incident, thread: str
) -> Message:
    with translation.override(destination.language):
        head = headline(event, incident)
        text = event.comment if event.kind != Event.Kind.CREATED else incident.description
        parts = [head, text[:MAX_SHOWN_LENGTH], link_of(incident.pk)]
        if event.kind != Event.Kind.CREATED:
            parts.insert(1, title_of(incident))
        subject = f"№{incident.pk} {title_of(incident)}"
    return Message(
        delivery.message_id,
        subject,
        "\n".join(filter(None, parts)),
        incident_id=incident.pk,
        thread=thread,
    )


def digest(
    deliveries: Sequence[Delivery], destination: Destination, incidents: Sequence[Incident]
) -> Message:
    """Return one message instead of many."""
    with translation.override(destination.language):
        subject = _("%(events)d events of %(incidents)d incidents") % {
            "events": len(deliveries),
            "incidents": len(incidents),
        }
        lines = [
            f"№{incident.pk} {incident.get_status_display()}: {title_of(incident)}" for incident in incidents
        ]
        rest = [_("… and %d more") % (len(lines) - MAX_LISTED)] if len(lines) > MAX_LISTED else []
        text = "\n".join([subject, *lines[:MAX_LISTED], *rest, settings.PUBLIC_URL]).strip()
    return Message(deliveries[0].message_id, subject, text)


def test_message(destination: Destination) -> Message:
    with translation.override(destination.language):
        subject = _("Test of the destination %s") % destination.name
        text = f"{subject}\n{settings.PUBLIC_URL}".strip()
    payload = {"type": "test", "timestamp": timezone.now().astimezone(UTC).isoformat(), "data": {}}
    return Message(f"msg_test_{timezone.now():%Y%m%d%H%M%S%f}", subject, text, payload)


def disabled_notice(destination: Destination, disabled: Destination) -> Message:
    """Return what a destination is told when another one was disabled."""
    with translation.override(destination.language):
        subject = _("The destination %s was disabled, nothing more is delivered to it") % disabled.name
        parts = [
            subject,
            in_words(disabled.disabled_because),
            settings.PUBLIC_URL and f"{settings.PUBLIC_URL}/connections/",
        ]
    now = timezone.now()
    payload = {
        "type": "destination.disabled",
        "timestamp": f"{to_utc_microseconds(now)}Z",
        "data": {"destination": disabled.name, "reason": disabled.disabled_because},
    }
    return Message(
        f"msg_disabled_{disabled.pk}_{now:%Y%m%d%H%M%S}", subject, "\n".join(filter(None, parts)), payload
    )


def headline(event: Event, incident: Incident) -> str:
    """Say in one line what happened, e.g. "№7 Open → Resolved · olga"."""
    by = event.by.username if event.by else ""
    severity = incident.get_severity_display() if incident.severity else ""
    if event.kind == Event.Kind.CREATED:
        what = [_("New incident"), incident.get_source_display(), severity]
    elif event.status_from and event.status_from != event.status_to:
        what = [f"{event.get_status_from_display()} → {event.get_status_to_display()}", by]
    else:
        what = [str(event.get_kind_display()), by]
    return f"№{incident.pk} {' · '.join(filter(None, map(str, what)))}"


def title_of(incident: Incident) -> str:
    line = incident.description.split("\n", 1)[0]
    return line if len(line) <= MAX_TITLE_LENGTH else line[: MAX_TITLE_LENGTH - 1] + "…"


def link_of(incident_id: int) -> str:
    return f"{settings.PUBLIC_URL}/incident/{incident_id}/" if settings.PUBLIC_URL else ""


def zone_of(destination: Destination) -> ZoneInfo:
    return ZoneInfo(destination.time_zone or settings.TIME_ZONE)
