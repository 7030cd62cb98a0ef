"""How hooks respond: in the shape of PagerDuty's Events API v2, which its clients check.

    202 {"status": "success", "message": "Event processed", "dedup_key": ..., "results": [...]}
    400 {"status": "invalid event", "message": ..., "errors": [...]}

Senders write the body of a refusal into their logs: it says what to change.
"""

import functools
import logging
from collections.abc import Callable, Mapping

import orjson
from django.core.exceptions import DisallowedHost
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from common.db import errors as db_errors
from common.http import hosts
from integrations.signals import InvalidEvent

log = logging.getLogger(__name__)

STATUSES = {
    400: "invalid event",
    401: "unauthorized",
    403: "disabled",
    404: "not found",
    405: "method not allowed",
    413: "too large",
    500: "error",
    503: "busy",
}

View = Callable[[HttpRequest], HttpResponseBase]


class Refusal(Exception):
    """Why a post is not processed, as its sender will log it."""

    def __init__(
        self, status: int, message: str, *errors: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.content = {"status": STATUSES[status], "message": message, "errors": list(errors or [message])}
        self.headers = headers or {}


def invalid(error: InvalidEvent) -> Refusal:
    return Refusal(400, "Event object is invalid", *error.errors)


def respond(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> HttpResponse:
    # Without its length the server would send the response in chunks.
    lines = {"Content-Length": str(len(body)), "Cache-Control": "no-store", **(headers or {})}
    return HttpResponse(body, status=status, content_type="application/json", headers=lines)


def refuse(refusal: Refusal) -> HttpResponse:
    return respond(refusal.status, orjson.dumps(refusal.content), refusal.headers)


def refusal_of(error: Exception) -> Refusal:
    """Say what an error of this service is to the sender, and log it."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, DisallowedHost):
        return Refusal(400, "Unknown host name, add it to the setting ALLOWED_HOSTS")
    if isinstance(error, DatabaseError) and db_errors.is_transient(error):
        log.warning("Database busy or away: %s", error)
        return Refusal(503, "The service is busy, send it again", headers=db_errors.RETRY_AFTER)
    log.error("Unexpected error", exc_info=error)
    return Refusal(500, "Internal error")


def in_json(view: View) -> View:
    """Make every failure of `view`, foreseen or not, a response that a sender can log."""

    @functools.wraps(view)
    def wrapper(request: HttpRequest) -> HttpResponseBase:
        try:
            hosts.check(request)
            return view(request)
        except Exception as error:  # noqa: BLE001  # Which error it is decides the response.
            return refuse(refusal_of(error))

    return wrapper
