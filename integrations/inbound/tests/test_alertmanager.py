from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incidents.severity import Severity
from incidents.signals import Action, Signal
from integrations.inbound.alert_groups import MAX_ALERTS
from integrations.inbound.tests.examples import CONTEXT, NOW, load, one_signal, parse
from integrations.inbound.tests.examples import signals as signals_of
from integrations.signals import InvalidEvent

GROUPED = replace(CONTEXT, group=True)
ALERT = {
    "status": "firing",
    "labels": {"alertname": "A"},
    "fingerprint": "f1",
    "startsAt": "2026-11-24T10:00:00Z",
}


def signals(payload: dict[str, Any], group: bool = False) -> list[Signal]:
    return signals_of("alertmanager", payload, GROUPED if group else CONTEXT)


def one(payload: dict[str, Any]) -> Signal:
    return one_signal("alertmanager", payload)


def alert(**fields: object) -> dict[str, Any]:
    return {"alerts": [ALERT | fields]}


def storm(number: int, status: str = "firing") -> dict[str, Any]:
    alerts = [ALERT | {"fingerprint": f"f{index}", "status": status} for index in range(number)]
    return {"status": status, "alerts": alerts, "groupKey": "{}:{}", "groupLabels": {"alertname": "A"}}


def test_a_firing_alert_triggers_with_its_fingerprint_as_key_and_its_summary_as_title() -> None:
    first, second = signals(load("alertmanager_firing"))
    assert first.action == second.action == Action.TRIGGER
    assert (first.key, second.key) == ("eacd290c2e54e780", "483e974512c0d28d")
    assert first.title == "Disk sda is 97 % full"
    assert first.severity == Severity.CRITICAL
    assert first.starts_at == datetime(2026, 11, 24, 22, 32, 30, 28000, UTC)
    assert first.ends_at is None
    assert first.link == "http://vm:19301/graph?g0.expr=disk_used_percent+%3E+90&g0.tab=1"


def test_the_description_holds_annotations_and_labels_as_plain_text() -> None:
    first, _ = signals(load("alertmanager_firing"))
    assert first.description.startswith("Disk sda is 97 % full\n\nДиск почти заполнен: <sda> &")
    assert "runbook_url: https://wiki.example/disk-full" in first.details
    assert "team: ops" in first.details
    assert first.details.count("Disk sda is 97 % full") == 0


def test_a_payload_of_the_newest_version_with_unknown_keys_is_read() -> None:
    signal = one(load("alertmanager_0_34") | {"version": "5", "future": [{}]})
    assert (signal.key, signal.title) == ("791cec13fcba0368", "db1 down")
    assert signal.starts_at == datetime(2026, 8, 22, 14, 32, 8, 326990, UTC)


def test_mixed_alerts_trigger_and_resolve_by_their_own_status() -> None:
    resolved, firing = signals(load("alertmanager_mixed"))
    assert (resolved.key, resolved.action) == ("eacd290c2e54e780", Action.RESOLVE)
    assert resolved.ends_at == datetime(2026, 11, 24, 22, 32, 41, 28000, UTC)
    assert (firing.key, firing.action) == ("483e974512c0d28d", Action.TRIGGER)


def test_a_repeat_and_the_post_of_a_peer_give_the_same_signals() -> None:
    first, peer, repeat = (
        [(signal.action, signal.key, signal.starts_at) for signal in signals(load(f"alertmanager_{name}"))]
        for name in ("firing", "firing_of_peer", "repeat")
    )
    assert first == peer == repeat


def test_an_alert_with_nothing_but_a_label_gets_that_label_as_title() -> None:
    signal = one(load("alertmanager_minimal"))
    assert (signal.title, signal.key, signal.severity) == ("host: db1", "93ed684e99304c0a", None)
    assert signal.link == "http://127.0.0.1:19302"


@pytest.mark.parametrize("blank", [None, "", " "])
@pytest.mark.parametrize(
    "field", ["labels", "annotations", "fingerprint", "generatorURL", "startsAt", "endsAt"]
)
def test_a_blank_or_missing_field_costs_an_alert_nothing_but_that_field(field: str, blank: object) -> None:
    assert one(alert(**{field: blank})).title
    payload = alert()
    payload["alerts"][0].pop(field, None)
    assert one(payload).action == Action.TRIGGER


@pytest.mark.parametrize(
    ("annotations", "labels", "title"),
    [
        ({"summary": "S", "title": "T", "description": "D"}, {"alertname": "A"}, "S"),
        ({"summary": "", "title": "T", "description": "D"}, {"alertname": "A"}, "T"),
        ({"summary": None, "description": " D\n d "}, {"alertname": "A"}, "D d"),
        ({}, {"alertname": "A", "a": "1"}, "A"),
        ({}, {"alertname": "", "b": "2", "a": "1"}, "a: 1"),
        ({}, {}, "Alert"),
        ({"summary": {"a": 1}}, {"alertname": 7}, '{"a": 1}'),
    ],
)
def test_the_title_is_the_first_of_summary_title_description_alertname_and_a_label(
    annotations: object, labels: object, title: str
) -> None:
    assert one(alert(annotations=annotations, labels=labels)).title == title


def test_without_a_fingerprint_the_key_is_a_hash_of_the_labels_in_any_order() -> None:
    keys = {
        one(alert(fingerprint="", labels=labels, annotations={"summary": text})).key
        for labels, text in (({"a": "1", "b": "2"}, "x"), ({"b": "2", "a": "1"}, "y"))
    }
    assert len(keys) == 1
    assert keys != {one(alert(fingerprint=None, labels={"a": "1", "b": "3"})).key}
    assert one(alert(fingerprint=None)).key != one(alert(fingerprint=None, labels={})).key


def test_a_bad_alert_among_others_is_rejected_by_index_and_costs_them_nothing() -> None:
    parsed = parse(
        "alertmanager", {"alerts": [ALERT, 7, ALERT | {"status": "odd"}, ALERT | {"fingerprint": "f2"}]}
    )
    assert [signal.key for signal in parsed.signals] == ["f1", "f2"]
    assert [(error.index, error.message) for error in parsed.rejected] == [
        (1, "an alert must be an object"),
        (2, "'status' must be firing or resolved"),
    ]


def test_an_alert_without_a_status_has_that_of_the_payload() -> None:
    assert one(alert(status=None) | {"status": "firing"}).action == Action.TRIGGER
    assert {signal.action for signal in signals(alert(status="") | {"status": "resolved"})} == {
        Action.RESOLVE
    }


@pytest.mark.parametrize("alerts", [None, {}, "", 1])
def test_a_payload_without_a_list_of_alerts_is_invalid(alerts: object) -> None:
    with pytest.raises(InvalidEvent, match="'alerts' must be a list"):
        parse("alertmanager", {"alerts": alerts})


def test_no_alerts_are_no_signals_and_no_error() -> None:
    parsed = parse("alertmanager", {"alerts": []})
    assert not parsed.signals
    assert not parsed.rejected


def test_the_zero_time_of_go_is_no_time() -> None:
    signal = one(alert(startsAt="0001-01-01T00:00:00Z", endsAt="0001-01-01T00:00:00Z"))
    assert signal.starts_at is signal.ends_at is None


def test_left_out_alerts_are_said_in_the_description() -> None:
    assert one(load("alertmanager_truncated")).details.startswith("1 more alerts of this group were left out")


def test_a_group_is_one_signal_with_the_group_key_and_its_members_listed() -> None:
    (signal,) = signals(load("alertmanager_firing"), group=True)
    assert signal.action == Action.TRIGGER
    assert signal.key == '{}/{}:{alertname="DiskFull"}'
    assert signal.title == "DiskFull"
    assert signal.severity == Severity.CRITICAL
    assert signal.starts_at == datetime(2026, 11, 24, 22, 32, 30, 28000, UTC)
    assert signal.details.splitlines() == [
        "2 firing, 0 resolved",
        "",
        "firing: Disk sda is 97 % full",
        "firing: Disk sdb is 95 % full",
    ]


def test_a_group_with_a_firing_member_is_not_resolved() -> None:
    (signal,) = signals(load("alertmanager_mixed"), group=True)
    assert signal.action == Action.TRIGGER
    assert signal.ends_at is None
    assert "resolved: Disk sda is 97 % full" in signal.details


def test_a_group_is_resolved_when_no_member_fires() -> None:
    (signal,) = signals(load("alertmanager_resolved"), group=True)
    assert signal.action == Action.RESOLVE
    assert signal.ends_at is not None


def test_a_group_that_is_not_whole_is_not_resolved_but_commented() -> None:
    payload = load("alertmanager_resolved") | {"truncatedAlerts": 3}
    (signal,) = signals(payload, group=True)
    assert signal.action == Action.NOTE
    assert "3 more alerts" in signal.details
    payload = load("alertmanager_resolved")
    payload["alerts"].append(None)
    assert [signal.action for signal in parse("alertmanager", payload, GROUPED).signals] == [Action.NOTE]


def test_a_long_group_key_is_hashed() -> None:
    payload = load("alertmanager_firing") | {"groupKey": "{}/" + "x" * 300}
    (signal,) = signals(payload, group=True)
    assert len(signal.key) == 64


def test_an_alert_storm_is_one_signal_of_its_group() -> None:
    (signal,) = signals(storm(10_000))
    assert (signal.action, signal.key) == (Action.TRIGGER, "{}:{}")
    assert signal.details.startswith("10000 firing")
    assert len(signal.description) == 10_000
    assert len(signals(storm(MAX_ALERTS))) == MAX_ALERTS


def test_an_alert_storm_still_resolves_the_incidents_of_single_alerts() -> None:
    payload = storm(MAX_ALERTS + 1)
    payload["alerts"][3] = ALERT | {"fingerprint": "f3", "status": "resolved"}
    assert [(signal.action, signal.key) for signal in signals(payload)] == [
        (Action.TRIGGER, "{}:{}"),
        (Action.RESOLVE, "f3"),
    ]


def test_the_end_of_a_group_resolves_what_an_alert_storm_has_left() -> None:
    *single, last = signals(storm(2, "resolved"))
    assert [signal.key for signal in single] == ["f0", "f1"]
    assert (last.action, last.key, last.optional) == (Action.RESOLVE, "{}:{}", True)
    assert not any(signal.optional for signal in single)
    assert len(signals(storm(2, "resolved") | {"truncatedAlerts": 1})) == 2
    assert signals(storm(MAX_ALERTS + 1, "resolved"))[-1].optional
    for payload in (storm(2, "resolved"), storm(MAX_ALERTS + 1, "resolved")):
        payload["alerts"].append(None)
        assert not any(signal.optional for signal in parse("alertmanager", payload).signals)


@pytest.mark.parametrize("key", [None, "", 7, True, ["a"], {"a": 1}])
def test_a_group_key_that_is_no_text_costs_the_alerts_nothing(key: object) -> None:
    assert [signal.action for signal in signals(storm(1, "resolved") | {"groupKey": key})] == [
        Action.RESOLVE,
        Action.RESOLVE,
    ]
    (opened,) = signals(storm(MAX_ALERTS + 1) | {"groupKey": key})
    assert signals(storm(1, "resolved") | {"groupKey": key})[-1].key == opened.key
    (grouped,) = signals(storm(1) | {"groupKey": key}, group=True)
    assert grouped.key == opened.key


def test_the_integration_may_map_severities_otherwise() -> None:
    labels = {"alertname": "A", "severity": "Page"}
    assert one(alert(labels=labels)).severity is None
    context = replace(CONTEXT, severities={"page": Severity.ERROR}, default_severity=Severity.WARNING)
    assert one_signal("alertmanager", alert(labels=labels), context).severity == Severity.ERROR
    assert one_signal("alertmanager", alert(), context).severity == Severity.WARNING


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "ftp://x/", "//x/", "http://", "http://[", "http://a b/"]
)
def test_only_http_urls_become_links(url: str) -> None:
    assert one(alert(generatorURL=url)).link is None


def test_texts_are_not_formatted_evaluated_or_escaped() -> None:
    text = "{0.__class__} %s {{ 7*7 }} <b>&amp;</b>"
    assert one(alert(annotations={"summary": text})).title == text


def test_a_start_in_the_future_is_none() -> None:
    """What amtool and other clients push without a start gets its end as its start."""
    for ahead, start in ((timedelta(hours=1), None), (timedelta(minutes=1), NOW + timedelta(minutes=1))):
        alert = {"status": "firing", "labels": {"a": "b"}, "startsAt": (NOW + ahead).isoformat()}
        for group in (False, True):
            [signal] = signals({"groupKey": "g", "alerts": [alert]}, group)
            assert signal.starts_at == start
