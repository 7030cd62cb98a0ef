"""gunicorn's log. Apart from config.logs, which settings import: gunicorn is the server's alone."""

import logging
from typing import Any

from gunicorn import glogging


class Logger(glogging.Logger):  # type: ignore[misc]  # gunicorn has no types
    """Writes gunicorn's lines where, and in the form in which, all others are written (config.logs)."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        # What it says while debugging quotes what clients send.
        self.error_log.setLevel(max(self.loglevel, logging.INFO))
        self.error_log.handlers.clear()
        self.error_log.propagate = True
