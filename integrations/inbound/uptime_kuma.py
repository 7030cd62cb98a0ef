"""Uptime Kuma, notification type "Webhook", preset body (JSON or form-data).

    {"heartbeat": {"monitorID", "status": 0 down | 1 up | 2 pending | 3 maintenance, "time", "msg", ...},
     "monitor": {"id", "name", "url", "hostname", "port", "type", ...},
     "msg": text}

The test button, and certificates and domains that will expire, come with null as heartbeat and monitor; only
`msg` tells them apart, and they never resolve.
"""

import re
from collections.abc import Mapping
from typing import Any

from incidents.severity import Severity
from incidents.signals import Action, Signal
from integrations.inbound.context import Context
from integrations.inbound.values import as_line, as_list, as_mapping, as_text, first_line, named, paragraphs
from integrations.signals import InvalidEvent, Parsed

ACTIONS = {"0": Action.TRIGGER, "1": Action.RESOLVE}
WITHOUT_EFFECT = {"2", "3"}  # pending, maintenance
DAYS_LEFT = re.compile(r"\bin -?\d+ days?\b")
PLACEHOLDER_URL = "https://"


def parse(payload: Mapping[str, Any], context: Context) -> Parsed:
    if "heartbeat" not in payload:
        raise InvalidEvent("'heartbeat' is missing: choose one of the preset bodies in Uptime Kuma")
    heartbeat, monitor = as_mapping(payload["heartbeat"]), as_mapping(payload.get("monitor"))
    if not heartbeat:
        return Parsed(signals=(of_message(payload, context),))
    status = as_line(heartbeat.get("status"))
    if status in WITHOUT_EFFECT:
        return Parsed()
    if status not in ACTIONS:
        raise InvalidEvent("'heartbeat.status' must be 0, 1, 2 or 3")
    return Parsed(signals=(of_heartbeat(ACTIONS[status], heartbeat, monitor, context),))


def of_message(payload: Mapping[str, Any], context: Context) -> Signal:
    message = as_line(payload.get("msg"))
    if not message:
        raise InvalidEvent("'heartbeat' and 'msg' are empty")
    test = message.endswith("Testing")
    return context.signal(
        Action.TEST if test else Action.TRIGGER,
        DAYS_LEFT.sub("in days", message),
        key_field="msg",
        title=message,
        severity=None if test else Severity.INFO,
    )


def of_heartbeat(
    action: Action, heartbeat: Mapping[str, Any], monitor: Mapping[str, Any], context: Context
) -> Signal:
    identifier = monitor.get("id")
    identifier = heartbeat.get("monitorID") if identifier is None else identifier
    name, message = as_line(monitor.get("name")), as_line(heartbeat.get("msg"))
    url = as_line(monitor.get("url"))
    tags = [as_mapping(tag) for tag in as_list(monitor.get("tags"))]
    return context.signal(
        action,
        identifier,
        key_field="monitor.id",
        title=": ".join(filter(None, [first_line(name, f"Monitor {as_line(identifier)}"), message])),
        details=message
        if action == Action.RESOLVE
        else paragraphs(
            as_text(monitor.get("description")),
            [
                named("url", "" if url == PLACEHOLDER_URL else url),
                named("hostname", monitor.get("hostname")),
                named("port", monitor.get("port")),
                named("type", monitor.get("type")),
                named("tags", ", ".join(filter(None, (as_line(tag.get("name")) for tag in tags)))),
            ],
            named("response", heartbeat.get("response")),
        ),
        severity=context.severity("down"),
        starts_at=heartbeat.get("time") if action == Action.TRIGGER else None,
    )
