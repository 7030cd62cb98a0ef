"""From a decoded payload to what it did: the sender's parser, the domain, and one result for each signal."""

import functools
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from django.urls import reverse

from common import metrics
from incidents import signal_service
from incidents.signal_rules import Outcome as Done
from incidents.signal_rules import Sender, SignalOutcome
from integrations import received_posts
from integrations.database_retry import retried
from integrations.inbound.context import Context
from integrations.inbound.senders import PARSERS
from integrations.models import Outcome
from integrations.responses import invalid
from integrations.signals import InvalidEvent, Rejected

MAX_ERRORS = 100
REJECTED = "rejected"


def process(post: received_posts.Post, payload: Mapping[str, Any], root_url: str) -> bytes:
    """Carry out what the payload of a post says, store what became of it and return the response.

    Raises `Refusal` if nothing of it can be used.
    """
    caller = post.caller
    context = Context(
        received_at=post.at,
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
    if len(parsed.signals) > signal_service.BATCH:
        retried(lambda: received_posts.store(post))

    def conclude(outcomes: list[SignalOutcome]) -> tuple[list[SignalOutcome], bytes]:
        told = [one for one in outcomes if not (one.signal.optional and one.outcome == Done.IGNORED)]
        content = response_to(told, parsed.rejected, root_url.rstrip("/"))
        received_posts.finish(post, outcome_of(told), HTTPStatus.ACCEPTED, content.decode())
        return told, content

    sender = Sender(caller.user_id, caller.source, caller.reopen)
    told, content = retried(lambda: signal_service.handle_and(parsed.signals, sender, conclude))
    if metrics.counts:
        for outcome in [*(one.outcome.value for one in told), *[REJECTED] * len(parsed.rejected)]:
            metrics.counts.signal(caller.kind.value, outcome)
            if outcome == Done.REPEATED:
                metrics.count_repeat(caller.source.value)
    return content


def response_to(outcomes: list[SignalOutcome], rejected: Sequence[Rejected], root_url: str) -> bytes:
    return orjson.dumps(
        {
            "status": "success",
            "message": "Event processed",
            "dedup_key": outcomes[0].signal.key if outcomes else None,
            "results": [
                *(result(outcome, root_url) for outcome in outcomes),
                *map(rejection, rejected[:MAX_ERRORS]),
            ],
        }
    )


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
