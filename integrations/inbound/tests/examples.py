"""Payloads as the senders post them, and how the tests read them.

Recorded are `payloads/alertmanager_*.json` but `_0_34` (by `record_alertmanager.py`), and with Uptime Kuma
2.5.3 `payloads/pagerduty_kuma_*.json` but `_certificate` and all of `requests/`. The others are written after
the sources of the senders.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from incidents.signals import Signal
from integrations.inbound.context import Context
from integrations.inbound.senders import PARSERS
from integrations.signals import Parsed

PAYLOADS = Path(__file__).parent / "payloads"
NOW = datetime(2026, 11, 24, 23, tzinfo=UTC)
CONTEXT = Context(received_at=NOW)


def load(name: str) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text(encoding="utf-8"))
    return payload


def kind_of(name: str) -> str:
    """Return the kind of the integration that a payload is posted to."""
    if "pagerduty" in name:
        return "pagerduty"
    return next(kind for kind in PARSERS if name.startswith(kind.replace("-", "_")))


def parse(kind: str, payload: dict[str, Any], context: Context = CONTEXT) -> Parsed:
    return PARSERS[kind](payload, context)


def signals(kind: str, payload: dict[str, Any], context: Context = CONTEXT) -> list[Signal]:
    """Return the signals of a payload in which nothing is rejected."""
    parsed = parse(kind, payload, context)
    assert not parsed.rejected
    return list(parsed.signals)


def one_signal(kind: str, payload: dict[str, Any], context: Context = CONTEXT) -> Signal:
    (signal,) = signals(kind, payload, context)
    return signal
