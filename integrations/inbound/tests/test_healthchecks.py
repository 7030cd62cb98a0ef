from datetime import UTC, datetime

import pytest

from incidents.severity import Severity
from incidents.signals import Action
from integrations.inbound.tests.examples import load, one_signal, parse
from integrations.signals import InvalidEvent

KEY = "hc-c3a1b2f0-6f5e-4d0a-9d6f-2a8f0b3f1c11"


def test_down_triggers_with_the_code_in_the_key_and_the_name_as_title() -> None:
    signal = one_signal("healthchecks", load("healthchecks_down"))
    assert (signal.action, signal.key, signal.severity) == (Action.TRIGGER, KEY, Severity.CRITICAL)
    assert signal.title == 'Backup of "db1"'
    assert signal.details == "exit status: 2\n\npg_dump: error: connection refused"
    assert signal.starts_at == datetime(2026, 8, 22, 14, 4, 20, tzinfo=UTC)


def test_up_resolves() -> None:
    signal = one_signal("healthchecks", load("healthchecks_up"))
    assert (signal.action, signal.key) == (Action.RESOLVE, KEY)


def test_the_test_button_gives_a_test() -> None:
    assert one_signal("healthchecks", load("healthchecks_test")).action == Action.TEST


def test_a_check_of_that_name_triggers() -> None:
    payload = load("healthchecks_down") | {"name": "TEST", "slug": "test"}
    assert one_signal("healthchecks", payload).action == Action.TRIGGER


def test_the_whole_check_as_body_is_read() -> None:
    signal = one_signal("healthchecks", load("healthchecks_json"))
    assert (signal.action, signal.key, signal.title) == (Action.TRIGGER, KEY, "Backup")


@pytest.mark.parametrize(
    ("field", "value"), [("status", "paused"), ("status", None), ("code", ""), ("code", None)]
)
def test_the_field_that_is_missing_is_named(field: str, value: object) -> None:
    with pytest.raises(InvalidEvent, match=f"'{field}'"):
        parse("healthchecks", load("healthchecks_down") | {field: value})


def test_a_check_without_a_name_is_named_by_its_code() -> None:
    assert one_signal("healthchecks", {"code": "c1", "status": "down"}).title == "Check c1"
