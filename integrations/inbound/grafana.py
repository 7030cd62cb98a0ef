"""Grafana's unified alerting, contact point "webhook": Alertmanager's groups with more in each alert.

https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from integrations.inbound import alert_groups
from integrations.inbound.alert_groups import Alert
from integrations.inbound.context import Context
from integrations.inbound.values import as_line, as_link, as_mapping, as_text, first_line, named, paragraphs
from integrations.signals import Parsed

TEST_ALERT = "TestAlert"
# Instances of their own, with these names, for a rule whose query gives nothing or fails.
STATES = {"DatasourceNoData": "No data", "DatasourceError": "Query error"}
STATE_REASON = "grafana_state_reason"


def parse(payload: Mapping[str, Any], context: Context) -> Parsed:
    return alert_groups.parse(payload, context, read)


def read(item: object, payload: Mapping[str, Any], context: Context) -> Alert:
    alert = alert_groups.read(item, payload, context)
    fields = as_mapping(item)
    labels, annotations = as_mapping(fields.get("labels")), as_mapping(fields.get("annotations"))
    name, title = as_line(labels.get("alertname")), alert.title
    if name in STATES:
        rule = first_line(labels.get("rulename"), name)
        title = f"{STATES[name]}: {rule if title == name else title}"
    return replace(
        alert,
        title=title,
        details=paragraphs(alert.details, as_text(fields.get("valueString"))),
        comment=named(STATE_REASON, annotations.get(STATE_REASON)),
        link=as_link(fields.get("panelURL"), fields.get("dashboardURL"), alert.link),
        # The alert of the test button belongs to no rule.
        test=name == TEST_ALERT and not fields.get("ruleUID"),
    )
