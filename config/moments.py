"""Moments as the POST dialect writes them: RFC 3339 in UTC, to the millisecond."""

import re
from datetime import UTC, datetime

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
AFTER_LATEST = datetime(2201, 1, 1, tzinfo=UTC)
# datetime.fromisoformat reads more than RFC 3339 has: week dates, comma fractions, no offset.
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt](?!24)\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:[0-5]\d)", re.ASCII)


def utc_text(moment: datetime) -> str:
    """Write `moment` as e.g. "2025-11-11T23:08:12.266Z"."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def parse(text: str) -> datetime:
    """Read an RFC 3339 moment of the years 1970 to 2200 in UTC; raise `ValueError` for any other.

    Digits beyond microseconds are cut off.
    """
    if not RFC_3339.fullmatch(text):
        raise ValueError(text)
    # Within the years asked for, an offset cannot lead past datetime's own limits.
    if not "1969" <= text[:4] <= "2201":
        raise ValueError(text)
    moment = datetime.fromisoformat(text.upper()).astimezone(UTC)
    if not EARLIEST <= moment < AFTER_LATEST:
        raise ValueError(text)
    return moment
