"""Groups of alerts as Prometheus' Alertmanager posts them; Grafana's contact points do alike.

One post mixes firing and resolved alerts, so each alert's own status counts. An alert that is merely absent
is not resolved: `max_alerts` cuts the list, and the status of the whole is that of the rest of the list.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from incidents.severity import Severity
from incidents.signals import MAX_TITLE_LENGTH, Action, Signal
from integrations.inbound.context import Context
from integrations.inbound.values import (
    as_datetime,
    as_line,
    as_link,
    as_mapping,
    as_text,
    first_line,
    named,
    paragraphs,
)
from integrations.signals import InvalidEvent, Parsed, Rejected

# Above it a post is refused: 4 MB hold fewer alerts of a real sender, and 60,000 of 60 bytes.
MAX_ITEMS = 10_000
# Above it an alert storm becomes one incident of the group instead of thousands.
MAX_ALERTS = 200
FIRING, RESOLVED = "firing", "resolved"
TITLE_ANNOTATIONS = ("summary", "title", "description")
SEVERITY_ORDER = (Severity.CRITICAL, Severity.ERROR, Severity.WARNING, Severity.INFO)


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alert of a group. `comment` is what its resolution says beyond being one."""

    firing: bool
    key: str
    title: str
    details: str
    severity: Severity | None
    starts_at: object
    ends_at: object
    link: str | None
    comment: str = ""
    test: bool = False


Reader = Callable[[object, Mapping[str, Any], Context], Alert]


def parse(payload: Mapping[str, Any], context: Context, read_alert: Reader | None = None) -> Parsed:
    """Read a group with `read`, or with a function that completes it for one kind of sender."""
    items = payload.get("alerts")
    if not isinstance(items, list):
        raise InvalidEvent("'alerts' must be a list")
    if len(items) > MAX_ITEMS:
        raise InvalidEvent(
            f"'alerts' has more than {MAX_ITEMS} items: set max_alerts, or send less in one post"
        )
    alerts, rejected = [], []
    for index, item in enumerate(items):
        try:
            alerts.append((read_alert or read)(item, payload, context))
        except InvalidEvent as error:
            rejected.append(Rejected(index=index, message=str(error)))
    tests = [alert for alert in alerts if alert.test]
    alerts = [alert for alert in alerts if not alert.test]
    signals = [to_signal(alert, Action.TEST, payload, context) for alert in tests]
    if context.group:
        signals += group_signals(alerts, bool(rejected), payload, context)
    elif len(items) > MAX_ALERTS:
        signals += folded(alerts, payload, context)
        signals += end_of_folded(alerts, bool(rejected), payload, context)
    else:
        signals += [to_signal(alert, action_of(alert), payload, context) for alert in alerts]
        signals += end_of_folded(alerts, bool(rejected), payload, context)
    return Parsed(signals=tuple(signals), rejected=tuple(rejected))


def read(item: object, payload: Mapping[str, Any], context: Context) -> Alert:
    """Read one alert; raise `InvalidEvent` if it is none."""
    if not isinstance(item, dict):
        raise InvalidEvent("an alert must be an object")
    # A payload that has no firing alert says so of all of them.
    status = as_line(item.get("status") or payload.get("status")).lower()
    if status not in {FIRING, RESOLVED}:
        raise InvalidEvent("'status' must be firing or resolved")
    labels, annotations = as_mapping(item.get("labels")), as_mapping(item.get("annotations"))
    named_labels = [named(name, labels[name]) for name in sorted(labels)]
    title = first_line(
        *(annotations.get(name) for name in TITLE_ANNOTATIONS), labels.get("alertname"), *named_labels
    )
    description = as_text(annotations.get("description")).strip()
    others = [
        named(name, value)
        for name, value in sorted(annotations.items())
        if name != "description" and as_line(value) != title
    ]
    return Alert(
        firing=status == FIRING,
        key=as_line(item.get("fingerprint")) or hash_of(labels),
        title=title,
        details=paragraphs(
            description if description != title or len(title) > MAX_TITLE_LENGTH else "",
            others,
            named_labels,
        ),
        severity=context.severity(labels.get("severity")),
        starts_at=item.get("startsAt"),
        ends_at=item.get("endsAt") if status == RESOLVED else None,
        link=as_link(item.get("generatorURL"), payload.get("externalURL")),
    )


def hash_of(labels: Mapping[str, Any]) -> str:
    text = json.dumps(sorted((name, as_text(value)) for name, value in labels.items()))
    return "labels-" + hashlib.sha256(text.encode()).hexdigest()


def action_of(alert: Alert) -> Action:
    return Action.TRIGGER if alert.firing else Action.RESOLVE


def to_signal(alert: Alert, action: Action, payload: Mapping[str, Any], context: Context) -> Signal:
    return context.signal(
        action,
        alert.key,
        key_field="fingerprint",
        title=alert.title,
        details=paragraphs(truncation(payload), alert.details) if action == Action.TRIGGER else alert.comment,
        severity=alert.severity,
        starts_at=alert.starts_at,
        ends_at=alert.ends_at,
        link=alert.link,
    )


def group_signals(
    alerts: Sequence[Alert], incomplete: bool, payload: Mapping[str, Any], context: Context
) -> list[Signal]:
    """Make the one signal of a group: it is resolved only when no member can be firing."""
    if not alerts:
        return []
    firing = [alert for alert in alerts if alert.firing]
    if firing:
        return [of_group(Action.TRIGGER, alerts, payload, context)]
    incomplete = incomplete or bool(truncated_alerts(payload))
    return [of_group(Action.NOTE if incomplete else Action.RESOLVE, alerts, payload, context)]


def folded(alerts: Sequence[Alert], payload: Mapping[str, Any], context: Context) -> list[Signal]:
    """Make one signal of all that fire in an alert storm; the incidents of single alerts still resolve."""
    firing = [alert for alert in alerts if alert.firing]
    signals = [of_group(Action.TRIGGER, alerts, payload, context)] if firing else []
    return signals + [
        to_signal(alert, Action.RESOLVE, payload, context) for alert in alerts if not alert.firing
    ]


def end_of_folded(
    alerts: Sequence[Alert], incomplete: bool, payload: Mapping[str, Any], context: Context
) -> list[Signal]:
    """Resolve the incident that an alert storm of this group may have left."""
    over = bool(alerts) and not any(alert.firing for alert in alerts)
    if not over or incomplete or truncated_alerts(payload):
        return []
    return [of_group(Action.RESOLVE, alerts, payload, context, optional=True)]


def of_group(
    action: Action,
    alerts: Sequence[Alert],
    payload: Mapping[str, Any],
    context: Context,
    *,
    optional: bool = False,
) -> Signal:
    firing = [alert for alert in alerts if alert.firing]
    labels, annotations = (
        as_mapping(payload.get("commonLabels")),
        as_mapping(payload.get("commonAnnotations")),
    )
    group_labels = as_mapping(payload.get("groupLabels"))
    starts = [start for alert in firing or alerts if (start := context.start(alert.starts_at))]
    ends = [end for alert in alerts if (end := as_datetime(alert.ends_at, context.received_at))]
    severities = {alert.severity for alert in firing or alerts}
    signal = context.signal(
        action,
        as_text(payload.get("groupKey")).strip() or hash_of(group_labels),
        key_field="groupKey",
        title=first_line(
            *(annotations.get(name) for name in TITLE_ANNOTATIONS),
            labels.get("alertname"),
            *(named(name, group_labels[name]) for name in sorted(group_labels)),
            payload.get("title"),
            alerts[0].title,
        ),
        details=paragraphs(
            f"{len(firing)} firing, {len(alerts) - len(firing)} resolved",
            truncation(payload),
            [f"{FIRING if alert.firing else RESOLVED}: {as_line(alert.title)}" for alert in alerts],
        ),
        severity=next((severity for severity in SEVERITY_ORDER if severity in severities), None),
        link=as_link(payload.get("externalURL")),
        optional=optional,
    )
    return replace(
        signal,
        starts_at=min(starts, default=None),
        ends_at=max(ends, default=None) if not firing else None,
    )


def truncated_alerts(payload: Mapping[str, Any]) -> int:
    number = payload.get("truncatedAlerts")
    return number if isinstance(number, int) else 0


def truncation(payload: Mapping[str, Any]) -> str:
    number = truncated_alerts(payload)
    return f"{number} more alerts of this group were left out by the sender (max_alerts)" if number else ""
