"""What both workers made of a stream, and the differences that are allowed, with the reasons."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from resilience.framing.client import Received
from resilience.framing.servers import Seen
from resilience.framing.streams import Kind, Stream


@dataclass(frozen=True)
class Outcome:
    """What the application saw of a stream, and the statuses that its client got."""

    seen: tuple[Seen, ...]
    statuses: Received

    @property
    def refusal(self) -> str:
        """The status of the refusal that the responses end with, empty if there is none."""
        return self.statuses[-1] if self.statuses and self.statuses[-1] >= "400" else ""

    @property
    def is_canary_seen(self) -> bool:
        return any(request[1] == "/canary" for request in self.seen)

    def __str__(self) -> str:
        requests = [f"{method} {target} ({length})" for method, target, _, length, *_ in self.seen]
        canary = "canary seen" if self.is_canary_seen else "canary not seen"
        return f"saw {requests}, responded {list(self.statuses)}, {canary}"


@dataclass(frozen=True)
class Pair:
    stream: Stream
    stock: Outcome
    ours: Outcome


@dataclass(frozen=True)
class Allowance:
    reason: str
    allows: Callable[[Pair], bool]


CLOSE_AMONG_OPTIONS = re.compile(
    rb"\nconnection:[^\r\n]*(,[ \t]*close|close[ \t]*,|\r\nconnection:[ \t]*close)", re.IGNORECASE
)
REFUSALS = {"400", "414", "431", "501"}
ALLOWANCES = [
    Allowance(
        "a body over the limit is refused with 413, without waiting for it",
        lambda pair: pair.ours.refusal == "413" and is_start(pair.ours.seen, pair.stock.seen),
    ),
    Allowance(
        "HTTP/1.1 without Host, or another version than 1.0 and 1.1, is refused",
        lambda pair: pair.ours.refusal == "400" and is_start(pair.ours.seen, pair.stock.seen),
    ),
    Allowance(
        "both refuse it, by another of its faults",
        lambda pair: (
            {pair.ours.refusal, pair.stock.refusal} <= REFUSALS and pair.ours.seen == pair.stock.seen
        ),
    ),
    Allowance(
        "the connection is closed after a request that says so beside another option",
        lambda pair: (
            bool(CLOSE_AMONG_OPTIONS.search(pair.stream.data)) and is_start(pair.ours.seen, pair.stock.seen)
        ),
    ),
]


def is_start(shorter: tuple[Seen, ...], longer: tuple[Seen, ...]) -> bool:
    return longer[: len(shorter)] == shorter


def difference(pair: Pair) -> str:
    """Name what differs, empty if nothing does."""
    if pair.stock.seen != pair.ours.seen:
        return "boundaries"
    if pair.stock.statuses != pair.ours.statuses:
        return "statuses"
    return ""


def allowance(pair: Pair) -> Allowance | None:
    return next((allowed for allowed in ALLOWANCES if allowed.allows(pair)), None)


def is_misread(pair: Pair) -> bool:
    """Tell whether our worker saw other requests of a valid stream than there are in it."""
    targets = [str(request[1]).partition("?")[0] for request in pair.ours.seen]
    expected = [target.partition("?")[0] for target in pair.stream.expected]
    return pair.stream.kind is Kind.VALID and targets != expected
