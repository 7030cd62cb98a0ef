"""What holds for every sender."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incidents.severity import Severity
from incidents.signals import MAX_TITLE_LENGTH, Signal
from incidents.validators import MAX_DEDUP_KEY_LENGTH, MAX_DESCRIPTION_LENGTH, has_forbidden_characters
from integrations.inbound.context import Context
from integrations.inbound.senders import PARSERS
from integrations.inbound.tests.examples import CONTEXT, PAYLOADS, kind_of, load, parse
from integrations.signals import InvalidEvent, Parsed

KINDS = sorted(PARSERS)
GROUPED = replace(CONTEXT, group=True, default_severity=Severity.WARNING)
# The names that the parsers look for, and values that they know, so that arbitrary JSON reaches them.
NAMES = [
    "alerts", "status", "labels", "annotations", "fingerprint", "startsAt", "endsAt", "generatorURL",
    "groupKey", "groupLabels", "commonLabels", "truncatedAlerts", "alertname", "summary", "severity",
    "heartbeat", "monitor", "msg", "id", "time", "tags", "event_id", "event_value", "event_update_status",
    "event_ack", "event_nseverity", "event_source", "event_ts", "trigger_id", "zabbix_url", "code",
    "uuid", "name", "slug", "event_action", "dedup_key", "payload", "links", "href", "custom_details",
    "timestamp", "client_url", "action", "title", "details", "link", "ruleUID", "valueString",
]  # fmt: skip
WORDS = [
    "firing", "resolved", "down", "up", "0", "1", "5", "Yes", "trigger", "resolve", "acknowledge",
    "TestAlert", "TEST", "critical", "0001-01-01T00:00:00Z", "2026-08-22T14:32:08.326990857Z",
    "https://x.example/", "http://[", "k", "x-Testing", '[{"tag":1}]', "\x00", "\ud800", "{EVENT.ID}", "x"
    * 300,
]  # fmt: skip
scalars = (
    st.sampled_from(WORDS)
    | st.text(st.characters(), max_size=20)
    | st.none()
    | st.booleans()
    | st.integers()
    | st.integers(0, 5)
    | st.floats()
)
names = st.sampled_from(NAMES) | st.text(max_size=5)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6),
    max_leaves=30,
)
payloads = st.dictionaries(names, values, max_size=10)


def assert_sane(parsed: Parsed) -> None:
    for signal in parsed.signals:
        assert isinstance(signal, Signal)
        assert 1 <= len(signal.key) <= MAX_DEDUP_KEY_LENGTH
        assert 1 <= len(signal.title) <= MAX_TITLE_LENGTH
        assert len(signal.description) <= MAX_DESCRIPTION_LENGTH
        for text in (signal.key, signal.title, signal.details):
            text.encode()
            assert not has_forbidden_characters(text)
        for timestamp in (signal.starts_at, signal.ends_at):
            assert timestamp is None or datetime(1970, 1, 1, tzinfo=UTC) <= timestamp < datetime(
                2201, 1, 1, tzinfo=UTC
            )
        assert signal.link is None or signal.link.startswith(("http://", "https://"))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=100)
@given(payloads, st.sampled_from([CONTEXT, GROUPED]))
def test_no_payload_raises_anything_but_an_invalid_event(
    kind: str, payload: dict[str, Any], context: Context
) -> None:
    try:
        parsed = PARSERS[kind](payload, context)
    except InvalidEvent:
        return
    assert_sane(parsed)


@st.composite
def spoiled(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Draw a real payload in which one value, however deep, is replaced by any other."""
    path = draw(st.sampled_from(sorted(PAYLOADS.glob("*.json"))))
    payload = load(path.stem)
    place: Any = payload
    while True:
        key = (
            draw(st.sampled_from(sorted(place)))
            if isinstance(place, dict)
            else draw(st.integers(0, len(place) - 1))
        )
        if isinstance(place[key], dict | list) and place[key] and draw(st.booleans()):
            place = place[key]
        else:
            place[key] = draw(values)
            return path.stem, payload


@settings(max_examples=200)
@given(spoiled(), st.sampled_from([CONTEXT, GROUPED]))
def test_a_real_payload_with_one_wrong_value_raises_nothing_but_an_invalid_event(
    example: tuple[str, dict[str, Any]], context: Context
) -> None:
    name, payload = example
    try:
        parsed = parse(kind_of(name), payload, context)
    except InvalidEvent:
        return
    assert_sane(parsed)


@pytest.mark.parametrize("name", sorted(path.stem for path in PAYLOADS.glob("*.json")))
def test_a_real_payload_says_the_same_twice_and_with_unknown_keys(name: str) -> None:
    kind, payload = kind_of(name), load(name)
    if name == "pagerduty_gatus":
        payload["dedup_key"] = "k"  # Each trigger without a key gets a new one.
    parsed = parse(kind, payload)
    assert_sane(parsed)
    assert not parsed.rejected
    assert parse(kind, payload) == parse(kind, payload | {"future": {"list": [1]}, "": None}) == parsed


def test_an_invalid_event_names_what_is_wrong_in_plain_texts() -> None:
    error = InvalidEvent("'status' must be down or up", "'code' is missing or blank")
    assert error.errors == ("'status' must be down or up", "'code' is missing or blank")
    assert str(error) == "'status' must be down or up; 'code' is missing or blank"
