"""Timestamps: how the channels read them and how the POST dialect writes them."""

import re
from datetime import UTC, datetime, tzinfo

MIN_DATETIME = datetime(1970, 1, 1, tzinfo=UTC)
DATETIME_LIMIT = datetime(2201, 1, 1, tzinfo=UTC)
# datetime.fromisoformat reads more than these: week dates, comma fractions, digits of other scripts.
OFFSET = r"([Zz]|[+-]\d\d:[0-5]\d)"
RFC_3339 = re.compile(rf"\d{{4}}-\d\d-\d\d[Tt](?!24)\d\d:\d\d:\d\d(\.\d+)?{OFFSET}", re.ASCII)
ISO_8601 = re.compile(
    rf"\d{{4}}-\d\d-\d\d([Tt ](?!24)\d\d:\d\d(:\d\d(\.\d+)?)?{OFFSET}?)?", re.ASCII
)  # fmt: skip


def to_utc_text(timestamp: datetime) -> str:
    """Write `timestamp` as e.g. "2025-11-11T23:08:12.266Z"."""
    return timestamp.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def to_utc_microseconds(timestamp: datetime) -> str:
    """Write `timestamp` in UTC as the database has it, e.g. "2025-11-11 23:08:12.266000"."""
    return timestamp.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def to_rfc_3339(text: str) -> str:
    """Write what `to_utc_microseconds` wrote as e.g. "2025-11-11T23:08:12.266000Z"."""
    return f"{text[:10]}T{text[11:]}Z"


def to_rfc_3339_or_none(text: str | None) -> str | None:
    return None if text is None else to_rfc_3339(text)


def parse(text: str) -> datetime:
    """Read an RFC 3339 timestamp of the years 1970 to 2200; raise `ValueError` for any other.

    Digits beyond microseconds are cut off.
    """
    return checked(text, RFC_3339, UTC)


def parse_local(text: str, zone: tzinfo) -> datetime:
    """Read the same, and shorter ones: seconds, time and offset may be left out, then `zone` counts."""
    return checked(text, ISO_8601, zone)


def checked(text: str, form: re.Pattern[str], zone: tzinfo) -> datetime:
    # Within these years no offset leads past datetime's own limits.
    if not form.fullmatch(text) or not "1969" <= text[:4] <= "2201":
        raise ValueError(text)
    timestamp = datetime.fromisoformat(text.upper())
    timestamp = (timestamp if timestamp.tzinfo else timestamp.replace(tzinfo=zone)).astimezone(UTC)
    if not MIN_DATETIME <= timestamp < DATETIME_LIMIT:
        raise ValueError(text)
    return timestamp


def aware(timestamp: datetime) -> datetime:
    """Say of a timestamp from the database that it is in UTC; SQLite's driver does not."""
    return timestamp if timestamp.tzinfo else timestamp.replace(tzinfo=UTC)
