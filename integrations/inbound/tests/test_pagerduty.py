from datetime import UTC, datetime

import pytest

from incidents.severity import Severity
from incidents.signals import Action
from integrations.inbound.tests.examples import load, one_signal, parse
from integrations.signals import InvalidEvent


def test_a_trigger_is_read_as_documented() -> None:
    signal = one_signal("pagerduty", load("pagerduty_documented"))
    assert (signal.action, signal.key, signal.severity) == (Action.TRIGGER, "srv01/mysql", Severity.CRITICAL)
    assert signal.title == "DISK 99% on db1"
    assert signal.starts_at == datetime(2015, 7, 17, 8, 42, 58, 315000, UTC)
    assert signal.link == "https://m.example"
    assert signal.details == (
        "source: db1\ncomponent: mysql\ngroup: prod\nclass: disk\n\nfree: 1%\nload: 0.75\n\n"
        "Graph: https://graph.example/1"
    )


def test_alertmanagers_own_events_trigger_and_resolve_one_key() -> None:
    trigger = one_signal("pagerduty", load("alertmanager_pagerduty_trigger"))
    resolve = one_signal("pagerduty", load("alertmanager_pagerduty_resolve"))
    assert (trigger.action, resolve.action) == (Action.TRIGGER, Action.RESOLVE)
    assert trigger.key == resolve.key
    assert "disk = sda" in trigger.details


@pytest.mark.parametrize("key", ["", " ", None])
def test_a_trigger_without_a_key_gets_a_new_one(key: object) -> None:
    payload = load("pagerduty_gatus") | {"dedup_key": key}
    first, second = one_signal("pagerduty", payload), one_signal("pagerduty", payload)
    assert first.action == Action.TRIGGER
    assert len(first.key) == 32
    assert first.key != second.key


@pytest.mark.parametrize("action", ["acknowledge", "resolve"])
def test_acknowledge_and_resolve_need_no_payload_but_a_key(action: str) -> None:
    signal = one_signal("pagerduty", {"event_action": action, "dedup_key": "k"})
    assert (signal.action, signal.key) == (action, "k")
    with pytest.raises(InvalidEvent, match="'dedup_key' is missing or blank"):
        parse("pagerduty", {"event_action": action, "dedup_key": ""})


@pytest.mark.parametrize("action", [None, "", "close", 1, []])
def test_a_missing_or_unknown_action_is_named(action: object) -> None:
    with pytest.raises(InvalidEvent, match="'event_action'"):
        parse("pagerduty", load("pagerduty_documented") | {"event_action": action})


@pytest.mark.parametrize("event", [None, {}, {"summary": ""}, {"summary": None}, "text"])
def test_a_trigger_without_a_summary_is_refused_as_at_pagerduty(event: object) -> None:
    with pytest.raises(InvalidEvent, match=r"'payload\.summary' is missing or blank"):
        parse("pagerduty", {"event_action": "trigger", "payload": event})


def test_a_trigger_needs_no_source_and_no_severity() -> None:
    signal = one_signal("pagerduty", {"event_action": "trigger", "payload": {"summary": "S"}})
    assert (signal.title, signal.severity, signal.details) == ("S", None, "")


@pytest.mark.parametrize("details", [None, "text", 7, [1, {"a": None}], {"a": [{"b": 1}], "c": None}, True])
def test_custom_details_may_be_of_any_type(details: object) -> None:
    payload = load("pagerduty_documented")
    payload["payload"]["custom_details"] = details
    assert one_signal("pagerduty", payload).title == "DISK 99% on db1"


@pytest.mark.parametrize("severity", ["fatal", None, 5, {}])
def test_an_unknown_severity_is_none(severity: object) -> None:
    payload = load("pagerduty_documented")
    payload["payload"]["severity"] = severity
    assert one_signal("pagerduty", payload).severity is None


def test_the_event_of_uptime_kuma_with_a_null_source_triggers() -> None:
    signal = one_signal("pagerduty", load("pagerduty_kuma_down"))
    assert (signal.action, signal.key, signal.severity) == (Action.TRIGGER, "Uptime Kuma/8", Severity.WARNING)


def test_the_event_of_uptime_kuma_for_up_resolves() -> None:
    signal = one_signal("pagerduty", load("pagerduty_kuma_up"))
    assert (signal.action, signal.key) == (Action.RESOLVE, "Uptime Kuma/7")


def test_only_the_test_of_uptime_kuma_is_a_test_though_an_expiry_has_the_same_key() -> None:
    assert one_signal("pagerduty", load("pagerduty_kuma_test")).action == Action.TEST
    assert one_signal("pagerduty", load("pagerduty_kuma_certificate")).action == Action.TRIGGER
