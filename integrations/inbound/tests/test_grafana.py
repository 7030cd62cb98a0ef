from dataclasses import replace
from datetime import UTC, datetime

import pytest

from incidents.signals import Action
from integrations.inbound.tests.examples import CONTEXT, load, one_signal, parse
from integrations.signals import InvalidEvent


def test_a_firing_alert_triggers_with_its_values_in_the_description() -> None:
    signal = one_signal("grafana", load("grafana_firing"))
    assert (signal.action, signal.key) == (Action.TRIGGER, "c6eadffa33fcdf37")
    assert signal.title == "Memory is at 97 %"
    assert signal.starts_at == datetime(2021, 10, 12, 7, 51, 3, 157076, UTC)
    assert "[ var='B' labels={zone=us-1} value=44.2 ]" in signal.details
    assert signal.link == "https://g.example/alerting/1afz29v7z/edit?orgId=1"


def test_the_panel_is_linked_before_the_dashboard_and_the_rule() -> None:
    payload = load("grafana_firing")
    payload["alerts"][0]["dashboardURL"] = "https://g.example/d/1"
    assert one_signal("grafana", payload).link == "https://g.example/d/1"
    payload["alerts"][0]["panelURL"] = "https://g.example/d/1?viewPanel=2"
    assert one_signal("grafana", payload).link == "https://g.example/d/1?viewPanel=2"


def test_a_resolution_keeps_the_reason_in_its_comment() -> None:
    signal, end_of_group = parse("grafana", load("grafana_resolved_missing_series")).signals
    assert signal.action == Action.RESOLVE
    assert signal.details == "grafana_state_reason: MissingSeries"
    assert end_of_group.optional


def test_instances_of_no_data_and_error_are_labelled_as_such() -> None:
    payload = load("grafana_no_data")
    assert one_signal("grafana", payload).title == "No data: High memory"
    payload["alerts"][0]["labels"]["alertname"] = "DatasourceError"
    payload["alerts"][0]["annotations"] = {"summary": "Memory"}
    assert one_signal("grafana", payload).title == "Query error: Memory"


@pytest.mark.parametrize("group", [False, True])
def test_the_test_button_gives_a_test_and_no_trigger(group: bool) -> None:
    signal = one_signal("grafana", load("grafana_test"), replace(CONTEXT, group=group))
    assert (signal.action, signal.title) == (Action.TEST, "Notification test")


def test_a_rule_that_is_named_as_the_test_alert_triggers() -> None:
    payload = load("grafana_test")
    payload["alerts"][0]["ruleUID"] = "1afz29v7z"
    assert one_signal("grafana", payload).action == Action.TRIGGER


def test_the_list_of_alerts_decides_and_not_the_version() -> None:
    for version in ("4", "", None, 2):
        assert one_signal("grafana", load("grafana_firing") | {"version": version}).action == Action.TRIGGER
    with pytest.raises(InvalidEvent):
        parse("grafana", {"ruleId": 1, "ruleName": "Panel", "state": "alerting", "evalMatches": []})


def test_a_group_without_common_texts_has_the_title_of_the_payload() -> None:
    payload = load("grafana_firing") | {"commonLabels": {}, "groupLabels": {}}
    signal = one_signal("grafana", payload, replace(CONTEXT, group=True))
    assert signal.title == "[FIRING:1] High memory ops (us-1)"
