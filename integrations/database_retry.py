"""Trying again within a request: Grafana and Uptime Kuma never send twice what was answered 503."""

import time
from collections.abc import Callable
from typing import TypeVar

from django.db import Error, connection

from common.db.errors import is_transient

MAX_SECONDS = 3
MIN_PAUSE, MAX_PAUSE = 0.05, 0.8

Result = TypeVar("Result")


def retried(act: Callable[[], Result]) -> Result:
    """Return what `act` returns; while the database is busy or away try again, for about 3 seconds.

    A wait for SQLite's or PostgreSQL's lock comes on top of that once (BUSY_SECONDS).
    """
    deadline, pause = time.monotonic() + MAX_SECONDS, MIN_PAUSE
    while True:
        try:
            return act()
        except Error as error:
            if not is_transient(error) or time.monotonic() + pause > deadline:
                raise
        connection.close_if_unusable_or_obsolete()
        time.sleep(pause)
        pause = min(2 * pause, MAX_PAUSE)
