"""Zabbix, the webhook media type that this service ships; its script posts these parameters, all texts.

    {"event_id": "{EVENT.ID}", "event_value": "{EVENT.VALUE}",
     "event_update_status": "{EVENT.UPDATE.STATUS}", "event_ack": "{EVENT.ACK.STATUS}",
     "event_nseverity": "{EVENT.NSEVERITY}", "event_source": "{EVENT.SOURCE}",
     "event_name": "{EVENT.NAME}", "host": "{HOST.NAME}", "host_ip": "{HOST.IP}",
     "trigger_id": "{TRIGGER.ID}", "opdata": "{EVENT.OPDATA}", "tags": "{EVENT.TAGSJSON}",
     "event_ts": "{EVENT.TIMESTAMP}", "update_action": "{EVENT.UPDATE.ACTION}",
     "update_message": "{EVENT.UPDATE.MESSAGE}", "user": "{USER.FULLNAME}",
     "zabbix_url": "{$ZABBIX.URL}"}

{EVENT.ID} is that of the problem in all of its messages, those of the recovery too.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from incidents.severity import Severity
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

# By {EVENT.NSEVERITY}.
SEVERITIES = ("not classified", "info", "warning", "average", "high", "disaster")
# A macro that has no value stays as it is or becomes one of these.
UNKNOWN = re.compile(r"\*?UNKNOWN\*?|\{[$#?]?[A-Z][^{}]*\}")
# {EVENT.SOURCE} of discovery and autoregistration, which have no recovery.
SOURCES_WITHOUT_VALUE = {"1", "2"}


def parse(payload: Mapping[str, Any], context: Context) -> Parsed:
    fields = {name: known(value) for name, value in payload.items()}
    action = action_of(fields)
    name, host = as_line(fields.get("event_name")), as_line(fields.get("host"))
    title = f"{host}: {name}" if host and name and host not in name else first_line(name, host)
    if as_line(fields.get("event_source")) in SOURCES_WITHOUT_VALUE:
        severity: Severity | None = Severity.INFO
    else:
        severity = context.severity(severity_name(fields.get("event_nseverity")))
    signal = context.signal(
        action,
        fields.get("event_id"),
        key_field="event_id",
        title=title,
        details=description(fields) if action == Action.TRIGGER else comment(fields),
        severity=severity,
        starts_at=fields.get("event_ts"),
        link=as_link(link(fields), fields.get("zabbix_url")),
    )
    return Parsed(signals=(signal,))


def known(value: object) -> object:
    return None if isinstance(value, str) and UNKNOWN.fullmatch(value.strip()) else value


def action_of(fields: Mapping[str, object]) -> Action:
    value = as_line(fields.get("event_value"))
    if as_line(fields.get("event_update_status")) == "1":
        acknowledged = as_line(fields.get("event_ack")).lower() == "yes"
        return Action.ACKNOWLEDGE if acknowledged else Action.NOTE
    if value == "1" or as_line(fields.get("event_source")) in SOURCES_WITHOUT_VALUE:
        return Action.TRIGGER
    if value == "0":
        return Action.RESOLVE
    raise InvalidEvent("'event_value' must be 1 or 0")


def severity_name(number: object) -> str:
    digit = as_line(number)
    return SEVERITIES[int(digit)] if re.fullmatch("[0-5]", digit) else digit


def description(fields: Mapping[str, object]) -> str:
    return paragraphs(
        as_text(fields.get("opdata")),
        [named(name, fields.get(name)) for name in ("host", "host_ip", "trigger_id")],
        [named(tag, value) for tag, value in tags(fields.get("tags"))],
    )


def comment(fields: Mapping[str, object]) -> str:
    """Say who did what and wrote what; empty for a recovery, which says none of it."""
    update, message = as_line(fields.get("update_action")), as_text(fields.get("update_message"))
    if not update and not message:
        return ""
    return paragraphs(f"{as_line(fields.get('user')) or 'Zabbix'}: {update}".rstrip(": "), message)


def tags(value: object) -> list[tuple[str, str]]:
    """Read `[{"tag": text, "value": text}]`, which comes as a text."""
    try:
        pairs = [as_mapping(tag) for tag in as_list(json.loads(value) if isinstance(value, str) else value)]
    except (ValueError, RecursionError):
        return []
    texts = [(pair.get("tag"), pair.get("value", "")) for pair in pairs]
    return [(tag, text) for tag, text in texts if isinstance(tag, str) and isinstance(text, str)]


def link(fields: Mapping[str, object]) -> str:
    url, trigger, event = (as_line(fields.get(name)) for name in ("zabbix_url", "trigger_id", "event_id"))
    if not (trigger.isdecimal() and event.isdecimal()):
        return ""
    return f"{url.rstrip('/')}/tr_events.php?triggerid={trigger}&eventid={event}"
