from datetime import UTC, datetime

import pytest

from incidents.severity import Severity
from incidents.signals import Action
from integrations.inbound.tests.examples import load, one_signal, parse
from integrations.signals import InvalidEvent


def test_down_triggers_with_the_monitors_id_as_key() -> None:
    signal = one_signal("uptime-kuma", load("uptime_kuma_down"))
    assert (signal.action, signal.key, signal.severity) == (Action.TRIGGER, "7", Severity.CRITICAL)
    assert signal.title == "Shop: connect ECONNREFUSED 10.0.0.5:443"
    assert signal.details == "url: https://shop.example\ntype: http\ntags: prod"


def test_a_time_without_an_offset_is_utc() -> None:
    signal = one_signal("uptime-kuma", load("uptime_kuma_down"))
    assert signal.starts_at == datetime(2026, 8, 22, 14, 4, 20, 123000, UTC)


def test_up_resolves_with_its_message_as_comment() -> None:
    signal = one_signal("uptime-kuma", load("uptime_kuma_up"))
    assert (signal.action, signal.key, signal.details) == (Action.RESOLVE, "7", "200 - OK")


@pytest.mark.parametrize("status", [2, 3, "2"])
def test_pending_and_maintenance_change_nothing(status: object) -> None:
    payload = load("uptime_kuma_down")
    payload["heartbeat"]["status"] = status
    parsed = parse("uptime-kuma", payload)
    assert not parsed.signals
    assert not parsed.rejected


@pytest.mark.parametrize("status", [True, False, None, 4, "down"])
def test_an_unknown_status_is_named_as_wrong(status: object) -> None:
    payload = load("uptime_kuma_down")
    payload["heartbeat"]["status"] = status
    with pytest.raises(InvalidEvent, match=r"'heartbeat\.status'"):
        parse("uptime-kuma", payload)


def test_the_test_button_gives_a_test() -> None:
    assert one_signal("uptime-kuma", load("uptime_kuma_test")).action == Action.TEST


@pytest.mark.parametrize("name", ["uptime_kuma_certificate", "uptime_kuma_domain"])
def test_an_expiry_is_one_info_incident_however_many_days_are_left(name: str) -> None:
    payload = load(name)
    first = one_signal("uptime-kuma", payload)
    assert (first.action, first.severity) == (Action.TRIGGER, Severity.INFO)
    assert first.title == payload["msg"]
    payload["msg"] = payload["msg"].replace("14", "7").replace("21", "1")
    second = one_signal("uptime-kuma", payload)
    assert second.key == first.key
    assert second.title != first.title


def test_expiries_of_two_certificates_have_two_keys() -> None:
    payload = load("uptime_kuma_certificate")
    other = {**payload, "msg": payload["msg"].replace("shop.example", "shop2.example")}
    assert one_signal("uptime-kuma", payload).key != one_signal("uptime-kuma", other).key


def test_a_monitor_that_is_null_is_named_by_the_heartbeat() -> None:
    payload = load("uptime_kuma_down") | {"monitor": None}
    signal = one_signal("uptime-kuma", payload)
    assert (signal.key, signal.title) == ("7", "Monitor 7: connect ECONNREFUSED 10.0.0.5:443")


def test_the_placeholder_of_a_url_is_left_out() -> None:
    payload = load("uptime_kuma_down")
    payload["monitor"] |= {"url": "https://", "hostname": "db1", "port": 5432, "type": "port"}
    assert "url" not in one_signal("uptime-kuma", payload).details


def test_a_custom_body_without_a_heartbeat_is_refused_with_advice() -> None:
    with pytest.raises(InvalidEvent, match="preset"):
        parse("uptime-kuma", {"msg": "[Shop] [✅ Up] 200 - OK"})


def test_nothing_at_all_is_refused() -> None:
    with pytest.raises(InvalidEvent, match="empty"):
        parse("uptime-kuma", {"heartbeat": None, "monitor": None, "msg": ""})
