"""Where a walk through a list stands: the last incident seen, in the order of creation.

Position(created_at, 7).to_cursor()     # opaque text for API clients, read by Position.from_cursor
str(Position(created_at, 7, group=1))   # "1.1762902492266000.7" in addresses of pages, read by from_text
"""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from common import datetimes

MAX_ID = 2**63 - 1
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
BASE64 = re.compile(r"[A-Za-z0-9_-]{1,80}", re.ASCII)
CURSOR = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}) (\d{1,19})", re.ASCII)
TEXT = re.compile(r"([0-9])\.(\d{1,16})\.(\d{1,19})", re.ASCII)


class Position(NamedTuple):
    """`created_at` (aware) and `id` of an incident; `group` where a page shows one group after the other."""

    created_at: datetime
    id: int
    group: int = 0

    def __str__(self) -> str:
        return f"{self.group}.{(self.created_at - EPOCH) // MICROSECOND}.{self.id}"

    @classmethod
    def from_text(cls, text: str) -> Position:
        """Read what `str` wrote; `ValueError` for anything else."""
        found = TEXT.fullmatch(text)
        if not found:
            raise ValueError("not a position")
        group, microseconds, pk = map(int, found.groups())
        return cls(EPOCH + microseconds * MICROSECOND, checked(pk), group)

    def to_cursor(self) -> str:
        created_at = datetimes.to_utc_microseconds(self.created_at).replace(" ", "T")
        plain = f"{created_at} {self.id}"
        return base64.urlsafe_b64encode(plain.encode("ascii")).decode("ascii").rstrip("=")

    @classmethod
    def from_cursor(cls, text: object) -> Position:
        """Read what `to_cursor` wrote; `ValueError` for anything else."""
        if not isinstance(text, str) or not BASE64.fullmatch(text):
            raise ValueError("not a cursor")
        found = CURSOR.fullmatch(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii"))
        if not found:
            raise ValueError("not a cursor")
        return cls(datetime.fromisoformat(found[1]).replace(tzinfo=UTC), checked(int(found[2])))


def checked(pk: int) -> int:
    if not 0 < pk <= MAX_ID:
        raise ValueError("not an incident's id")
    return pk
