"""Where a walk through the list stands: the last incident seen, in the order newest first."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from typing import NamedTuple

from incidents.services import MAX_ID

TEXT = re.compile(r"[A-Za-z0-9_-]{1,80}", re.ASCII)
PLAIN = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}) (\d{1,19})", re.ASCII)


class Cursor(NamedTuple):
    created_at: datetime
    id: int

    def __str__(self) -> str:
        moment = self.created_at.replace(tzinfo=None).isoformat(timespec="microseconds")
        plain = f"{moment} {self.id}".encode("ascii")
        return base64.urlsafe_b64encode(plain).decode("ascii").rstrip("=")

    @classmethod
    def parse(cls, text: object) -> Cursor:
        """Read what `str` wrote; `ValueError` for anything else."""
        if not isinstance(text, str) or not TEXT.fullmatch(text):
            raise ValueError("not a cursor")
        plain = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
        found = PLAIN.fullmatch(plain)
        if not found or not 0 < int(found[2]) <= MAX_ID:
            raise ValueError("not a cursor")
        return cls(datetime.fromisoformat(found[1]).replace(tzinfo=UTC), int(found[2]))
