"""One line a request, with a request id; as text for people or JSON for machines.

A line holds the method, the path without its query, the status, the time taken and the id; never a
body, a header or a token.
"""

import json
import logging
import re
import secrets
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponseBase

request_id: ContextVar[str] = ContextVar("request_id", default="-")
requests_log = logging.getLogger("requests")
# No line shows where in the code it was written, or by which thread or process: nobody need look
# (docs.python.org/3/howto/logging.html#optimization).
logging._srcfile = None
logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
FIELDS = ("method", "path", "status", "ms")
ACCEPTED_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)


class RequestLogMiddleware:
    """Gives a request its id (the client's own X-Request-ID if it is a plain word) and logs its answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        identity = given if ACCEPTED_ID.fullmatch(given) else secrets.token_hex(16)
        request_id.set(identity)
        response = self.get_response(request)
        response.headers["X-Request-ID"] = identity
        requests_log.info(
            "%s %s %s %.1fms",
            request.method,
            # repr would quote; what matters is that a path cannot start a line of its own.
            request.path.encode("unicode_escape").decode("ascii"),
            response.status_code,
            (time.perf_counter() - started) * 1000,
        )
        return response


class RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


class JSONFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "request_id": getattr(record, "request_id", "-"),
        }
        if record.name == requests_log.name and isinstance(record.args, tuple):
            line |= zip(FIELDS, record.args, strict=True)
        else:
            line["message"] = record.getMessage()
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configuration(style: str, *, debug: bool) -> dict[str, Any]:
    """Build Django's LOGGING for the style "text" or "json"."""
    formatters: dict[str, Any] = {
        "text": {"format": "%(asctime)s %(levelname)s %(request_id)s %(name)s: %(message)s"},
        "json": {"()": JSONFormatter},
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request_id": {"()": RequestIdFilter}},
        "formatters": formatters,
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": style,
                "filters": ["request_id"],
            },
        },
        "root": {"handlers": ["console"], "level": "DEBUG" if debug else "INFO"},
        "loggers": {
            # Replaces Django's own handlers: one place, one format.
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            # Its warnings repeat the request line's status.
            "django.request": {"level": "ERROR"},
            "django.server": {"handlers": [], "propagate": True},
            # Anybody could fill the log with their tracebacks, before a login.
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            "django.security.TooManyFieldsSent": {"level": "CRITICAL"},
            "django.db.backends": {"level": "INFO"},
            # While PostgreSQL is away each of its connections would say so five times a second.
            "psycopg.pool": {"level": "ERROR"},
        },
    }
