"""One line a request, with a request id; as text for people or JSON for machines.

A line holds the method, the path without its query, the status, the time taken and the id; never a
body, a header or a token.
"""

import json
import logging
import re
import secrets
import select
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

from django.http import HttpRequest, HttpResponseBase

from common import metrics

request_id: ContextVar[str] = ContextVar("request_id", default="-")
requests_log = logging.getLogger("requests")
FIELDS = ("method", "path", "status", "ms")
# The token of a hook, wherever it was put into a path, and below /hooks/ also one that was pasted badly.
TOKEN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]{32}(?![A-Za-z0-9])", re.ASCII)
LONG_WORD = re.compile(r"[A-Za-z0-9]{20,}", re.ASCII)
ACCEPTED_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
MAX_WAIT_FOR_READER = 0.1  # seconds
# Characters: a pipe that is ready takes at least 4096 bytes (pipe(7)).
PIECE = 1000


class RequestLogMiddleware:
    """Gives a request its id (the client's own X-Request-ID if it is a plain word) and logs its response."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        identity = given if ACCEPTED_ID.fullmatch(given) else secrets.token_hex(16)
        request_id.set(identity)
        # Django logs the path, too, where a request fails; what is resolved is `path_info`.
        request.path = without_tokens(request.path)
        response = self.get_response(request)
        response.headers["X-Request-ID"] = identity
        seconds = time.perf_counter() - started
        requests_log.info(
            "%s %s %s %.1fms",
            request.method,
            # repr would quote; what matters is that a path cannot start a line of its own.
            request.path.encode("unicode_escape").decode("ascii"),
            response.status_code,
            seconds * 1000,
        )
        if metrics.counts:
            route = request.resolver_match.route if request.resolver_match else None
            metrics.counts.request(request.method or "", route, response.status_code, seconds)
        return response


def without_tokens(path: str) -> str:
    return (LONG_WORD if path.startswith("/hooks/") else TOKEN).sub("***", path)


class RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


class DroppingHandler(logging.StreamHandler[TextIO]):
    """Writes to standard error; while its reader has stopped reading, drops and counts the lines instead.

    A pipe that nobody empties would stop every thread that logs.
    """

    dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if self.dropped:
                if not self.is_ready():
                    self.dropped += 1
                    return
                lines, self.dropped = self.dropped, 0
                self.write(note(f"{lines} lines are missing here: the reader of the log had stopped reading"))
            self.write(record)
        except Exception:  # noqa: BLE001  # as each handler of the standard library does
            self.handleError(record)

    def write(self, record: logging.LogRecord) -> None:
        text = self.format(record) + self.terminator
        for start in range(0, len(text), PIECE):
            if not self.is_ready():
                self.dropped += 1
                return
            self.stream.write(text[start : start + PIECE])
            self.stream.flush()

    def is_ready(self) -> bool:
        """Tell whether the stream takes a piece at once; a reader that was never late may be so, a little."""
        wait = 0 if self.dropped else MAX_WAIT_FOR_READER
        return bool(select.select([], [self.stream], [], wait)[1])


def note(message: str) -> logging.LogRecord:
    record = logging.LogRecord(__name__, logging.WARNING, "", 0, message, None, None)
    record.request_id = "-"
    return record


def rfc_3339(record: logging.LogRecord) -> str:
    """Return the record's time as e.g. "2025-11-11T23:08:12.266+00:00"."""
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


class TextFormatter(logging.Formatter):
    """Writes a record as one line; its traceback, if it has one, as indented lines behind it."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        return escaped(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802
        return "\n".join(f"  {escaped(line)}" for line in super().formatException(ei).splitlines())

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        return rfc_3339(record)


def escaped(text: str) -> str:
    """Escape what starts a line or what a terminal obeys, and what UTF-8 does not encode."""
    return UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


class JSONFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": rfc_3339(record),
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
