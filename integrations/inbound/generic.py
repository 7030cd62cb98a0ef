"""Any program: JSON, a form, or (with an explicit action) a query string, with names that are easy to guess.

    curl -d title="Backup of db1 failed" -d dedup_key=backup-db1 -d action=trigger -d severity=error ...

The synonyms are the words of Nagios, Icinga and Checkmk ($NOTIFICATIONTYPE$), Netdata and cron wrappers.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from incidents.signals import Action
from integrations.inbound.context import Context
from integrations.inbound.values import as_line, as_link, as_text, first_line, paragraphs
from integrations.signals import InvalidEvent, Parsed

SYNONYMS = {
    Action.TRIGGER: "trigger firing problem down alerting open custom flappingstart",
    Action.ACKNOWLEDGE: "acknowledge ack acknowledged acknowledgement",
    Action.RESOLVE: "resolve ok up recovery resolved close closed recovered flappingstop flappingdisabled",
    Action.NOTE: "note comment",
    Action.TEST: "test",
}
ACTIONS = {word: action for action, words in SYNONYMS.items() for word in words.split()}
WITHOUT_EFFECT = "downtime"  # downtimestart, downtimeend, downtimecancelled
TITLES = ("title", "summary", "message")
DETAILS = ("details", "description", "message")


def parse(payload: Mapping[str, Any], context: Context) -> Parsed:
    """Read one event. Without an action it is a trigger; a trigger without a key gets a new one."""
    name = first_line(payload.get("action"), payload.get("status"), Action.TRIGGER).lower()
    if name.startswith(WITHOUT_EFFECT):
        return Parsed()
    if name not in ACTIONS:
        raise InvalidEvent("'action' must be trigger, acknowledge, resolve, note or test")
    action = ACTIONS[name]
    title = first_line(*(payload.get(field) for field in TITLES))
    if action == Action.TRIGGER and not title:
        raise InvalidEvent("'title' is missing or blank")
    key = payload.get("dedup_key")
    if action in {Action.TRIGGER, Action.TEST} and not as_text(key).strip():
        key = uuid.uuid4().hex
    texts = [as_text(payload.get(field)).strip() for field in DETAILS]
    signal = context.signal(
        action,
        key,
        key_field="dedup_key",
        title=title or as_line(key),
        details=paragraphs(*(text for text in texts if text != title)),
        severity=context.severity(payload.get("severity")),
        starts_at=payload.get("starts_at") or payload.get("timestamp"),
        link=as_link(payload.get("link"), payload.get("url")),
    )
    return Parsed(signals=(signal,))
