"""gunicorn's log. Apart from the service's own: gunicorn is the server's alone."""

import logging
import traceback
from typing import Any

from gunicorn import glogging
from gunicorn.http.errors import ParseException


class Logger(glogging.Logger):  # type: ignore[misc]  # gunicorn has no types
    """Writes gunicorn's lines where, and in the form in which, all others are written."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        # What it says while debugging quotes what clients send.
        self.error_log.setLevel(max(self.loglevel, logging.INFO))
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class Silence:
    """Stands in for gunicorn's logger where its lines would repeat what a client sent."""

    def say_nothing(self, *_args: Any) -> None:
        pass

    debug = warning = exception = access = say_nothing


def tell_fault(log: Logger, address: str, fault: Exception) -> None:
    """Log the kind of a fault and where it was, but not its words: they may repeat what was sent."""
    kind = type(fault).__name__
    if isinstance(fault, ParseException):
        log.warning("Invalid request from %s: %s", address, kind)
    else:
        where = "".join(traceback.format_tb(fault.__traceback__))
        log.error("Error handling a request from %s: %s\n%s", address, kind, where)
