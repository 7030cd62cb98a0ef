"""From a decoded payload to what it did: the sender's parser, the domain, and one result for each signal."""

import functools
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

import orjson
from django.db import transaction
from django.urls import reverse

from common import metrics
from incidents import signal_service
from incidents.signal_rules import Outcome as Done
from incidents.signal_rules import Sender, SignalOutcome
from integrations import received
from integrations.authentication import Caller
from integrations.inbound.context import Context
from integrations.inbound.senders import PARSERS
from integrations.models import Outcome
from integrations.responses import invalid
from integrations.retries import retried
from integrations.signals import InvalidEvent, Parsed, Rejected

MAX_ERRORS = 100
REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Processed:
    """What became of a post and of its signals, and the body of its response."""

    outcome: Outcome
    content: bytes
    signals: Sequence[str]


def process(post: int, payload: Mapping[str, Any], caller: Caller, at: datetime, root_url: str) -> Processed:
    """Carry out what the payload of a stored post says, and store what became of it.

    Raises `Refusal` if nothing of it can be used.
    """
    context = Context(
        received_at=at,
        group=caller.group,
        severities=caller.severities,
        default_severity=caller.default_severity,
    )
    try:
        parsed = PARSERS[caller.kind.value](payload, context)
    except InvalidEvent as error:
        raise invalid(error) from None
    if parsed.rejected and not parsed.signals:
        raise invalid(InvalidEvent(*map(described, parsed.rejected[:MAX_ERRORS])))
    # One transaction more costs a short post a tenth of its time; a long one has several anyway.
    together = transaction.atomic if len(parsed.signals) <= signal_service.BATCH else nullcontext

    def carry_out() -> Processed:
        with together():
            processed = done(parsed, caller, root_url.rstrip("/"))
            received.finish(post, processed.outcome, HTTPStatus.ACCEPTED, processed.content.decode())
        return processed

    processed = retried(carry_out)
    if metrics.counts:
        for outcome in processed.signals:
            metrics.counts.signal(caller.kind.value, outcome)
            if outcome == Done.REPEATED:
                metrics.count_repeat(caller.source.value)
    return processed


def done(parsed: Parsed, caller: Caller, root_url: str) -> Processed:
    sender = Sender(caller.user_id, caller.source, caller.reopen)
    outcomes = [
        outcome
        for outcome in signal_service.handle(parsed.signals, sender)
        if not (outcome.signal.optional and outcome.outcome == Done.IGNORED)
    ]
    content = {
        "status": "success",
        "message": "Event processed",
        "dedup_key": outcomes[0].signal.key if outcomes else None,
        "results": [
            *(result(outcome, root_url) for outcome in outcomes),
            *map(rejection, parsed.rejected[:MAX_ERRORS]),
        ],
    }
    signals = [outcome.outcome.value for outcome in outcomes] + [REJECTED] * len(parsed.rejected)
    return Processed(outcome_of(outcomes), orjson.dumps(content), signals)


def outcome_of(outcomes: list[SignalOutcome]) -> Outcome:
    kinds = {outcome.outcome for outcome in outcomes}
    if kinds - {Done.IGNORED, Done.TEST}:
        return Outcome.PROCESSED
    return Outcome.TEST if Done.TEST in kinds else Outcome.IGNORED


def result(done: SignalOutcome, root_url: str) -> dict[str, Any]:
    url = root_url + page_of(done.incident_id) if done.incident_id else None
    note = {"note": done.note} if done.note else {}
    return {
        "dedup_key": done.signal.key,
        "action": done.signal.action.value,
        "outcome": done.outcome.value,
        "incident": done.incident_id,
        "url": url,
        **note,
    }


@functools.cache
def path_of_pages() -> tuple[str, str]:
    before, _zero, after = reverse("web:incident", args=[0]).partition("0")
    return before, after


def page_of(incident_id: int) -> str:
    """Return the path of an incident's page; `reverse` takes a while, thousands of times."""
    before, after = path_of_pages()
    return f"{before}{incident_id}{after}"


def rejection(rejected: Rejected) -> dict[str, Any]:
    return {
        "dedup_key": None,
        "action": None,
        "outcome": REJECTED,
        "incident": None,
        "url": None,
        "note": described(rejected),
    }


def described(rejected: Rejected) -> str:
    return f"alerts[{rejected.index}]: {rejected.message}"
