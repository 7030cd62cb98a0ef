"""Whole requests as the webhook of Uptime Kuma 2.5.3 sent them, with the axios and form-data it pins."""

import json
from pathlib import Path
from typing import Any

import pytest

from incidents.signals import Action
from integrations.inbound import body
from integrations.inbound.tests.examples import one_signal
from integrations.inbound.token_sources import TokenSources, find_tokens
from integrations.signals import InvalidEvent

TOKEN = "0123456789abcdef" * 2
REQUESTS: dict[str, dict[str, str]] = json.loads(
    (Path(__file__).parent / "requests" / "uptime_kuma.json").read_text(encoding="utf-8")
)


def decode(name: str) -> dict[str, Any]:
    request = REQUESTS[name]
    return body.decode(request["body"].encode(), request["content_type"])


@pytest.mark.parametrize("name", ["json", "form", "custom", "custom_header"])
def test_every_body_of_uptime_kuma_gives_the_same_signal(name: str) -> None:
    signal = one_signal("uptime-kuma", decode(name))
    assert (signal.action, signal.key) == (Action.TRIGGER, "7")
    assert signal == one_signal("uptime-kuma", decode("json"))


def test_half_of_an_emoji_in_the_response_of_a_monitor_costs_no_alert() -> None:
    assert "\\ud83d" in REQUESTS["json"]["body"]
    assert "response: cut \ufffd" in one_signal("uptime-kuma", decode("json")).details


def test_a_custom_body_that_is_no_json_is_refused_though_axios_quotes_it() -> None:
    assert REQUESTS["custom_bad"]["body"].startswith('"{')
    with pytest.raises(InvalidEvent, match="The body is not JSON"):
        decode("custom_bad")


def test_a_token_in_the_url_arrives_as_the_password_of_basic() -> None:
    assert find_tokens(TokenSources(authorization=REQUESTS["userinfo"]["authorization"])) == (TOKEN,)
    assert find_tokens(TokenSources(api_key=REQUESTS["json"]["api_key"])) == (TOKEN,)
