"""gunicorn's log, for `logger_class`."""

import logging
from typing import Any

from gunicorn import glogging


class Logger(glogging.Logger):  # type: ignore[misc]  # gunicorn has no types
    """Propagates gunicorn's lines to the root logger, so that the application's handlers format them."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        # gunicorn's debug lines quote what clients send.
        self.error_log.setLevel(max(self.loglevel, logging.INFO))
        self.error_log.handlers.clear()
        self.error_log.propagate = True
