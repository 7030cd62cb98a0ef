"""When the next attempt is made (Standard Webhooks 1.0, "Deliverability and reliability")."""

import random
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

# Seconds from one attempt to the next; the first is made at once.
PAUSES = [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
MAX_ATTEMPTS = len(PAUSES) + 1
JITTER = 0.2
MAX_RETRY_AFTER = timedelta(days=1)
DISABLE_AFTER = timedelta(days=5)

jitter = random.SystemRandom()


def next_attempt(attempts: int, now: datetime, retry_after: timedelta | None = None) -> datetime | None:
    """Return when to try again after so many attempts, None if no more is to be made."""
    if attempts >= MAX_ATTEMPTS:
        return None
    pause = timedelta(seconds=PAUSES[attempts - 1] * jitter.uniform(1 - JITTER, 1 + JITTER))
    return now + max(pause, retry_after or timedelta(0))


def retry_after(text: str, now: datetime) -> timedelta | None:
    """Read a header Retry-After: seconds or a date; None for anything else, a day at most."""
    if text.isascii() and text.isdecimal():
        return pause_of(int(text[:9]))
    try:
        return pause_of((parsedate_to_datetime(text) - now).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return None


def pause_of(seconds: float) -> timedelta:
    """Return how long to wait for a receiver that asks for so many seconds, whatever it asks."""
    return timedelta(seconds=min(max(seconds, 0), MAX_RETRY_AFTER.total_seconds()))
