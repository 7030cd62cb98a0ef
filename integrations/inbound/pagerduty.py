"""The dialect of PagerDuty's Events API v2, which many senders speak.

    {"routing_key", "event_action": "trigger" | "acknowledge" | "resolve", "dedup_key",
     "payload": {"summary", "source", "severity", "timestamp", "component", "group", "class",
                 "custom_details"},
     "client", "client_url", "links": [{"href", "text"}], "images": [...]}

https://developer.pagerduty.com/docs/events-api-v2/trigger-events/
"""

import uuid
from collections.abc import Mapping
from typing import Any

from incidents.signals import Action
from integrations.inbound.context import Context
from integrations.inbound.values import (
    as_line,
    as_link,
    as_list,
    as_mapping,
    as_text,
    first_line,
    named,
    paragraphs,
)
from integrations.signals import InvalidEvent, Parsed

ACTIONS = {
    "trigger": Action.TRIGGER,
    "acknowledge": Action.ACKNOWLEDGE,
    "resolve": Action.RESOLVE,
}
# The key of all that Uptime Kuma sends without a monitor: its test, and certificates that will expire.
KUMA_TEST_KEY = "Uptime Kuma/test"


def parse(payload: Mapping[str, Any], context: Context) -> Parsed:
    """Read one event. A trigger without a key gets a new one, which its sender finds in the response."""
    name = as_line(payload.get("event_action")).lower()
    if name not in ACTIONS:
        raise InvalidEvent("'event_action' must be trigger, acknowledge or resolve")
    action = ACTIONS[name]
    event = as_mapping(payload.get("payload"))
    summary = as_line(event.get("summary"))
    if action == Action.TRIGGER and not summary:
        raise InvalidEvent("'payload.summary' is missing or blank")
    key = payload.get("dedup_key")
    if action == Action.TRIGGER and not as_text(key).strip():
        key = uuid.uuid4().hex
    if key == KUMA_TEST_KEY and summary.endswith("Testing"):
        action = Action.TEST
    links = [as_mapping(link) for link in as_list(payload.get("links"))]
    signal = context.signal(
        action,
        key,
        key_field="dedup_key",
        title=first_line(summary, key),
        details=description(event, links) if action == Action.TRIGGER else "",
        severity=context.severity(event.get("severity")),
        starts_at=event.get("timestamp") if action == Action.TRIGGER else None,
        link=as_link(payload.get("client_url"), *(link.get("href") for link in links)),
    )
    return Parsed(signals=(signal,))


def description(event: Mapping[str, Any], links: list[Mapping[str, Any]]) -> str:
    details = event.get("custom_details")
    return paragraphs(
        [named(name, event.get(name)) for name in ("source", "component", "group", "class")],
        [named(name, value) for name, value in details.items()]
        if isinstance(details, dict)
        else as_text(details),
        [named(as_line(link.get("text")) or "link", link.get("href")) for link in links],
    )
