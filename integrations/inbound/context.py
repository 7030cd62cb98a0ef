"""What a payload is read with: the integration's own choices and the time of the request."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from incidents.severity import Severity
from incidents.signals import MAX_TITLE_LENGTH, Action, Signal
from incidents.validators import MAX_COMMENT_LENGTH, MAX_DESCRIPTION_LENGTH
from integrations.inbound.values import as_datetime, as_key, as_line, cut

MAX_CLOCK_SKEW = timedelta(minutes=5)
# The words of all senders, in lower case. Zabbix says disaster, high and average, Nagios DOWN and CRITICAL.
SEVERITIES = {
    "critical": Severity.CRITICAL,
    "disaster": Severity.CRITICAL,
    "high": Severity.CRITICAL,
    "down": Severity.CRITICAL,
    "error": Severity.ERROR,
    "average": Severity.ERROR,
    "warning": Severity.WARNING,
    "info": Severity.INFO,
    "none": Severity.INFO,
}


@dataclass(frozen=True, kw_only=True)
class Context:
    """How one integration's payloads are read.

    `severities` maps the sender's words, in lower case, to severities and is asked before the common table;
    `default_severity` is that of a word in neither, and of none. With `group` the payloads of Alertmanager
    and Grafana give one signal for the group instead of one for each alert.
    """

    received_at: datetime
    group: bool = False
    severities: Mapping[str, Severity | None] = field(default_factory=dict)
    default_severity: Severity | None = None

    def severity(self, value: object) -> Severity | None:
        name = as_line(value).lower()
        if name in self.severities:
            return self.severities[name]
        return SEVERITIES.get(name, self.default_severity)

    def start(self, value: object) -> datetime | None:
        """Read the start of an episode; one in the future is none.

        Alertmanager makes the end of an alert that has no start its start, and a local time without its
        offset may be hours ahead.
        """
        start = as_datetime(value, self.received_at)
        return start if start and start <= self.received_at + MAX_CLOCK_SKEW else None

    def signal(  # noqa: PLR0913  # one for each field of a signal
        self,
        action: Action,
        key: object,
        *,
        key_field: str,
        title: str,
        details: str = "",
        severity: Severity | None = None,
        starts_at: object = None,
        ends_at: object = None,
        link: str | None = None,
        optional: bool = False,
    ) -> Signal:
        """Make a signal of what the sender gave; raise `InvalidEvent` naming `key_field` without a key.

        An end without a sane start is left out: against a start of another clock it would say nothing.
        """
        title = cut(as_line(title) or "Alert", MAX_TITLE_LENGTH)
        limit = MAX_COMMENT_LENGTH
        if action == Action.TRIGGER:
            limit = MAX_DESCRIPTION_LENGTH - len(title) - len("\n\n")
        start = self.start(starts_at)
        return Signal(
            action=action,
            key=as_key(key, key_field),
            title=title,
            details=cut(details, limit),
            severity=severity,
            starts_at=start,
            ends_at=as_datetime(ends_at, self.received_at) if start else None,
            link=link,
            optional=optional,
        )
