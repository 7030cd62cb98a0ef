"""The POST dialect's envelope: how every request is read and how every response is written.

    {"success": true|false, "error": "" | "what is wrong", "status": 200, "data": {...}}

A view of the dialect is a function from the decoded JSON object to a response:

    @post_only
    def create(request, body):
        if not body.get("source"):
            raise ApiError(400, "Source is required")
        return respond({"id": 1}, status=201)
"""

import functools
import logging
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, UnreadablePostError

from common import strict_json
from common.db import errors as db_errors
from common.http import hosts

log = logging.getLogger(__name__)

# Responses hold tokens and what a role may read.
NO_STORE = "private, no-store"

Body = dict[str, Any]
View = Callable[[HttpRequest], HttpResponseBase]
PostView = Callable[[HttpRequest, Body], HttpResponseBase]


class ApiError(Exception):
    """Why a call is not carried out, as its client will read it."""

    def __init__(
        self,
        status: int,
        error: str,
        *,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.data = data or {}
        self.headers = headers or {}


def respond(
    data: Mapping[str, Any],
    *,
    status: int = 200,
    error: str = "",
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Put `data` in the envelope; it is one of success unless there is an `error`."""
    content = orjson.dumps({"success": not error, "error": error, "status": status, "data": data})
    # Without its length the server would send the response in chunks.
    headers = {"Content-Length": str(len(content)), "Cache-Control": NO_STORE, **(headers or {})}
    return HttpResponse(content, status=status, content_type="application/json", headers=headers)


def error_response(api_error: ApiError) -> HttpResponse:
    return respond(api_error.data, status=api_error.status, error=api_error.error, headers=api_error.headers)


def in_envelope(view: View) -> View:
    """Make every failure of `view`, foreseen or not, an envelope too."""

    @functools.wraps(view)
    def wrapper(request: HttpRequest) -> HttpResponseBase:
        try:
            hosts.check(request)
            return view(request)
        except ApiError as api_error:
            return error_response(api_error)
        except DisallowedHost:
            return respond({}, status=400, error="Unknown host name, see ALLOWED_HOSTS")
        except DatabaseError as error:
            if not db_errors.is_transient(error):
                log.exception("Unexpected database error")
                return respond({}, status=500, error="Internal error")
            log.warning("Database busy or away: %s", error)
            return respond({}, status=503, error="Service is busy, try again", headers=db_errors.RETRY_AFTER)
        except Exception:
            log.exception("Unexpected error")
            return respond({}, status=500, error="Internal error")

    return wrapper


def post_only(view: PostView) -> View:
    """Check the method, the size and the JSON, in this order, and pass the decoded object on."""

    @functools.wraps(view)
    def wrapper(request: HttpRequest) -> HttpResponseBase:
        if request.method != "POST":
            raise ApiError(405, "POST required", headers={"Allow": "POST"})
        return view(request, read_object(request))

    return wrapper


def read_object(request: HttpRequest) -> Body:
    if int(request.META.get("CONTENT_LENGTH") or 0) > settings.MAX_BODY_BYTES:
        raise ApiError(413, "Request body is too large")
    try:
        return strict_json.loads(request.body)
    except (ValueError, UnreadablePostError):
        raise ApiError(400, "Invalid JSON") from None
