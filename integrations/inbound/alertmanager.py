"""Prometheus' Alertmanager, `webhook_configs` (version "4"; others alike as long as `alerts` is a list).

    {"status": "firing", "alerts": [{"status": "firing" | "resolved", "labels": {...}, "annotations": {...},
     "startsAt", "endsAt", "generatorURL", "fingerprint"}, ...], "groupKey", "truncatedAlerts", ...}

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from collections.abc import Mapping
from typing import Any

from integrations.inbound import alert_groups
from integrations.inbound.context import Context
from integrations.signals import Parsed


def parse(payload: Mapping[str, Any], context: Context) -> Parsed:
    return alert_groups.parse(payload, context)
