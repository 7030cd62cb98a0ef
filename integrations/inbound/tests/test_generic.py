from urllib.parse import urlencode

import pytest

from incidents.severity import Severity
from incidents.signals import Action
from integrations.inbound import body
from integrations.inbound.tests.examples import one_signal, parse
from integrations.signals import InvalidEvent


def test_a_trigger_is_read() -> None:
    signal = one_signal(
        "generic",
        {
            "dedup_key": "backup-db1",
            "action": "trigger",
            "title": "Backup failed",
            "details": "exit 1",
            "severity": "error",
            "link": "https://ci.example/7",
        },
    )
    assert (signal.action, signal.key, signal.severity) == (Action.TRIGGER, "backup-db1", Severity.ERROR)
    assert (signal.title, signal.details, signal.link) == ("Backup failed", "exit 1", "https://ci.example/7")


@pytest.mark.parametrize(
    ("words", "action"),
    [
        ("trigger firing PROBLEM down alerting open CUSTOM FLAPPINGSTART", Action.TRIGGER),
        ("acknowledge ack ACKNOWLEDGEMENT", Action.ACKNOWLEDGE),
        ("resolve ok up RECOVERY resolved close FLAPPINGSTOP", Action.RESOLVE),
        ("note", Action.NOTE),
        ("test", Action.TEST),
    ],
)
def test_the_synonyms_of_an_action_are_known(words: str, action: Action) -> None:
    for word in words.split():
        assert one_signal("generic", {"action": word, "dedup_key": "k", "title": "T"}).action == action
        assert one_signal("generic", {"status": word, "dedup_key": "k", "title": "T"}).action == action


@pytest.mark.parametrize("word", ["DOWNTIMESTART", "DOWNTIMEEND", "DOWNTIMECANCELLED"])
def test_a_downtime_changes_nothing(word: str) -> None:
    parsed = parse("generic", {"action": word, "dedup_key": "k"})
    assert not parsed.signals
    assert not parsed.rejected


@pytest.mark.parametrize("action", ["explode", 1, {}])
def test_an_unknown_action_is_named(action: object) -> None:
    with pytest.raises(InvalidEvent, match="'action'"):
        parse("generic", {"action": action, "title": "T"})


@pytest.mark.parametrize("action", [None, ""])
def test_without_an_action_it_is_a_trigger(action: object) -> None:
    signal = one_signal("generic", {"action": action, "summary": "S", "message": "M"})
    assert (signal.action, signal.title, signal.details) == (Action.TRIGGER, "S", "M")


def test_the_title_is_the_first_of_title_summary_and_message() -> None:
    assert one_signal("generic", {"title": "T", "summary": "S", "message": "M"}).title == "T"
    assert one_signal("generic", {"title": "", "summary": None, "message": "M"}).description == "M"
    with pytest.raises(InvalidEvent, match="'title' is missing or blank"):
        parse("generic", {"dedup_key": "k"})


def test_a_resolve_needs_a_key_and_no_title() -> None:
    assert one_signal("generic", {"action": "resolve", "dedup_key": "k"}).title == "k"
    with pytest.raises(InvalidEvent, match="'dedup_key'"):
        parse("generic", {"action": "resolve", "title": "T"})


def test_the_form_of_a_nagios_command_is_read() -> None:
    form = {
        "title": "HTTP on web1",
        "dedup_key": "nagios/web1/HTTP",
        "action": "PROBLEM",
        "severity": "CRITICAL",
        "details": "connect to 10.0.0.5 & port 80: “refused”",
    }
    payload = body.decode(
        urlencode(form).encode(), "application/x-www-form-urlencoded; charset=UTF-8", form_fields=True
    )
    signal = one_signal("generic", payload)
    assert (signal.action, signal.severity) == (Action.TRIGGER, Severity.CRITICAL)
    assert signal.details == form["details"]


@pytest.mark.parametrize(
    ("state", "severity"),
    [
        ("CRITICAL", Severity.CRITICAL),
        ("DOWN", Severity.CRITICAL),
        ("WARNING", Severity.WARNING),
        ("OK", None),
    ],
)
def test_states_of_nagios_are_severities(state: str, severity: Severity | None) -> None:
    assert one_signal("generic", {"title": "T", "severity": state}).severity == severity
