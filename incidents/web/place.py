"""Where a walk through the queue stands."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from incidents.keyset import MAX_ID

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Place(NamedTuple):
    """Where an incident stands in the queue: its group, its time in microseconds since 1970, its id."""

    group: int
    microseconds: int
    id: int

    def __str__(self) -> str:
        return ".".join(map(str, self))

    @property
    def created_at(self) -> datetime:
        return EPOCH + self.microseconds * MICROSECOND

    @classmethod
    def at(cls, group: int, created_at: datetime, pk: int) -> Place:
        return cls(group, (created_at - EPOCH) // MICROSECOND, pk)

    @classmethod
    def parse(cls, text: str) -> Place | None:
        """Read what `str` wrote; None for anything else."""
        if not re.fullmatch(r"[01]\.\d{1,16}\.\d{1,19}", text, re.ASCII):
            return None
        place = cls(*map(int, text.split(".")))
        return place if place.id <= MAX_ID else None
