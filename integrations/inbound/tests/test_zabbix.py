from datetime import UTC, datetime

import pytest

from incidents.severity import Severity
from incidents.signals import Action
from integrations.inbound.tests.examples import load, one_signal, parse
from integrations.signals import InvalidEvent


def test_a_problem_triggers_with_its_event_id_as_key() -> None:
    signal = one_signal("zabbix", load("zabbix_problem"))
    assert (signal.action, signal.key, signal.severity) == (Action.TRIGGER, "8341", Severity.CRITICAL)
    assert signal.title == "db1: High CPU"
    assert (
        signal.details
        == "Current: 97 %\n\nhost: db1\nhost_ip: 10.0.0.5\ntrigger_id: 19210\n\nscope: performance"
    )
    assert signal.starts_at == datetime.fromtimestamp(1787407460, UTC)
    assert signal.link == "https://z.example/tr_events.php?triggerid=19210&eventid=8341"


def test_a_host_that_the_name_holds_is_not_repeated() -> None:
    payload = load("zabbix_problem") | {"event_name": "High CPU on db1"}
    assert one_signal("zabbix", payload).title == "High CPU on db1"


def test_an_acknowledgement_carries_user_and_message() -> None:
    signal = one_signal("zabbix", load("zabbix_acknowledged"))
    assert (signal.action, signal.key) == (Action.ACKNOWLEDGE, "8341")
    assert signal.details == "Zabbix Administrator (Admin): acknowledged, commented\n\nLooking into it"


def test_any_other_update_is_a_note_with_the_severity_of_now() -> None:
    signal = one_signal("zabbix", load("zabbix_commented"))
    assert (signal.action, signal.severity) == (Action.NOTE, Severity.ERROR)
    assert "changed severity from High to Average\n\nOnly the backup" in signal.details


def test_an_update_of_a_recovered_problem_does_not_resolve() -> None:
    payload = load("zabbix_commented") | {"event_value": "0"}
    assert one_signal("zabbix", payload).action == Action.NOTE


def test_a_recovery_resolves_the_problem() -> None:
    signal = one_signal("zabbix", load("zabbix_recovery"))
    assert (signal.action, signal.key, signal.details) == (Action.RESOLVE, "8341", "")


def test_macros_without_a_value_are_empty() -> None:
    signal = one_signal("zabbix", load("zabbix_unexpanded"))
    assert signal.details == "host: db1"
    assert signal.starts_at is None
    assert signal.link is None


def test_a_discovery_event_is_an_info_incident_without_recovery() -> None:
    signal = one_signal("zabbix", load("zabbix_discovery"))
    assert (signal.action, signal.severity, signal.title) == (Action.TRIGGER, Severity.INFO, "db1")


@pytest.mark.parametrize(
    ("number", "severity"),
    [
        ("0", None),
        ("1", Severity.INFO),
        ("2", Severity.WARNING),
        ("3", Severity.ERROR),
        ("4", Severity.CRITICAL),
        ("5", Severity.CRITICAL),
        (5, Severity.CRITICAL),
        ("6", None),
        ("", None),
        (None, None),
        ({}, None),
    ],
)
def test_severities_are_read_by_number(number: object, severity: Severity | None) -> None:
    payload = load("zabbix_problem") | {"event_nseverity": number}
    assert one_signal("zabbix", payload).severity == severity


@pytest.mark.parametrize("tags", ["[", "{}", '[1, {"tag": null}, {"tag": {}}]', None, "[" * 5000, 7])
def test_tags_that_cannot_be_read_are_left_out(tags: object) -> None:
    signal = one_signal("zabbix", load("zabbix_problem") | {"tags": tags})
    assert signal.details.endswith("trigger_id: 19210")


@pytest.mark.parametrize(
    ("field", "value"),
    [("event_value", "2"), ("event_value", None), ("event_id", ""), ("event_id", "{EVENT.ID}")],
)
def test_the_field_that_is_missing_is_named(field: str, value: object) -> None:
    with pytest.raises(InvalidEvent, match=f"'{field}'"):
        parse("zabbix", load("zabbix_problem") | {field: value})
