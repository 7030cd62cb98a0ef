"""Healthchecks, integration "Webhook", method POST, the same body for "down" and "up":

    {"code": "$CODE", "status": "$STATUS", "name": $NAME_JSON, "slug": "$SLUG", "at": "$NOW",
     "exit_status": "$EXITSTATUS", "body": $BODY_JSON}

$TAGS may hold quotes, which would break the JSON. The whole of $JSON as the body is read too; it calls the
code `uuid`.
"""

from collections.abc import Mapping
from typing import Any

from incidents.signals import Action
from integrations.inbound.context import Context
from integrations.inbound.values import as_line, as_text, first_line, named, paragraphs
from integrations.signals import InvalidEvent, Parsed

ACTIONS = {"down": Action.TRIGGER, "up": Action.RESOLVE}
TEST_NAME = "TEST"
NO_EXIT_STATUS = "-1"


def parse(payload: Mapping[str, Any], context: Context) -> Parsed:
    status = as_line(payload.get("status")).lower()
    if status not in ACTIONS:
        raise InvalidEvent("'status' must be down or up")
    code = first_line(payload.get("code"), payload.get("uuid"))
    if not code:
        raise InvalidEvent("'code' is missing or blank")
    name = as_line(payload.get("name"))
    # The check of the test button has a new code each time and, never saved, no slug.
    test = name == TEST_NAME and not as_line(payload.get("slug"))
    action = Action.TEST if test else ACTIONS[status]
    exit_status = as_line(payload.get("exit_status"))
    signal = context.signal(
        action,
        f"hc-{code}",
        key_field="code",
        title=name or f"Check {code}",
        details=paragraphs(
            as_text(payload.get("desc")),
            named("exit status", "" if exit_status == NO_EXIT_STATUS else exit_status),
            as_text(payload.get("body")),
        ),
        severity=context.severity("down"),
        starts_at=payload.get("at") if action == Action.TRIGGER else None,
    )
    return Parsed(signals=(signal,))
