"""What a client and the log get to see of an error: its kind, never what was sent, which may be a secret."""

import logging
import traceback

from gunicorn import util

from server.connection import Connection

# By the names of gunicorn's exceptions, of which it has two sets. Every other invalid request is a 400.
STATUSES = {
    "LimitRequestLine": (414, "URI Too Long"),
    "LimitRequestHeaders": (431, "Request Header Fields Too Large"),
    "UnsupportedTransferCoding": (501, "Not Implemented"),
    "ExpectationFailed": (417, "Expectation Failed"),
}


def refuse_request(log: logging.Logger, conn: Connection, error: Exception) -> None:
    """Log an invalid request and write the response to it."""
    kind = type(error).__name__
    log.warning("Invalid request from %s: %s", conn.address or "-", kind)
    util.write_error(conn.sock, *STATUSES.get(kind, (400, "Bad Request")), kind)


def report_failure(log: logging.Logger, conn: Connection, error: BaseException) -> None:
    """Log where an application's error was raised, but not its text; write a response if none began."""
    kind, where = type(error).__name__, "".join(traceback.format_tb(error.__traceback__))
    log.error("Error handling a request from %s: %s\n%s", conn.address or "-", kind, where)
    if not conn.response_begun:
        util.write_error(conn.sock, 500, "Internal Server Error", "")
