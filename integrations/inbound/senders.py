"""The kinds of senders, by the name that stands in the URL."""

from collections.abc import Callable, Mapping
from typing import Any

from integrations.inbound import alertmanager, generic, grafana, healthchecks, pagerduty, uptime_kuma, zabbix
from integrations.inbound.context import Context
from integrations.signals import Parsed

Parser = Callable[[Mapping[str, Any], Context], Parsed]

# Each raises InvalidEvent for a payload of which nothing can be used, and nothing else.
PARSERS: dict[str, Parser] = {
    "alertmanager": alertmanager.parse,
    "grafana": grafana.parse,
    "uptime-kuma": uptime_kuma.parse,
    "zabbix": zabbix.parse,
    "healthchecks": healthchecks.parse,
    "pagerduty": pagerduty.parse,
    "generic": generic.parse,
}
