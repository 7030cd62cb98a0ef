"""What every transport takes and returns."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings

from common.http.guarded_client import Response, send

# The first bytes of a response are kept, as they say what is wrong.
MAX_REASON_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Address:
    """A destination as its transport sees it. `secrets` has the valid ones, the newest first."""

    address: str
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """`payload` is for machines. `subject` and `text` are for people, plain and with the link in it.

    `thread` is what the transport returned for the first message about the incident, "" for a first one.
    """

    id: str
    subject: str
    text: str
    payload: dict[str, Any] = field(default_factory=dict)
    incident_id: int = 0
    thread: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`status` is HTTP's or 0. `disable` says that no later message will succeed either.

    `retry_after` is how long the receiver asks to wait, `thread` what a later message may refer to,
    `moved_to` the address under which the receiver is from now on.
    """

    success: bool
    status: int = 0
    reason: str = ""
    disable: bool = False
    retry_after: timedelta | None = None
    thread: str = ""
    moved_to: str = ""


Send = Callable[[Address, Message], Outcome]


def request(method: str, url: str, headers: dict[str, str], body: bytes, *, proxy: str = "") -> Response:
    """Send by the guarded client, with the networks that the service may reach. Raises `RequestFailed`."""
    return send(method, url, headers, body, allowed=settings.OUTBOUND_ALLOWED_NETWORKS, proxy=proxy)


def excerpt(body: bytes) -> str:
    """Return the beginning of a response's text in one line."""
    return one_line(body[: 4 * MAX_REASON_LENGTH].decode(errors="replace"))


def one_line(text: str) -> str:
    """Return the beginning of a text of strangers in one line, without what PostgreSQL does not store."""
    text = text[: 4 * MAX_REASON_LENGTH]
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:MAX_REASON_LENGTH]
