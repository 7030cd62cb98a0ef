"""Where a follower of the feed stands: opaque text for API clients."""

from __future__ import annotations

import base64
import re
from typing import NamedTuple

from incidents.feed import models

MAX_ID = 2**63 - 1
BASE64 = re.compile(r"[A-Za-z0-9_-]{1,120}", re.ASCII)
PLAIN = re.compile(r"([0-9a-f]{16})\.(\d{1,19})\.(\d{1,19})", re.ASCII)


class CursorExpired(Exception):
    """Events after the cursor are deleted, or it belongs to the history before a restore."""


class Cursor(NamedTuple):
    """The id of the last event seen, 0 for none; valid in `epoch`, and written after `prunes` prunes."""

    epoch: str
    prunes: int
    event_id: int

    def __str__(self) -> str:
        plain = f"{self.epoch}.{self.prunes}.{self.event_id}"
        return base64.urlsafe_b64encode(plain.encode("ascii")).decode("ascii").rstrip("=")

    @classmethod
    def from_text(cls, text: object) -> Cursor:
        """Read what `str` wrote; `ValueError` for anything else."""
        if not isinstance(text, str) or not BASE64.fullmatch(text):
            raise ValueError("not a cursor")
        found = PLAIN.fullmatch(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii"))
        if not found or int(found[3]) > MAX_ID:
            raise ValueError("not a cursor")
        return cls(found[1], int(found[2]), int(found[3]))

    @classmethod
    def at(cls, event_id: int) -> Cursor:
        """Return the cursor of now that stands at this event."""
        state = models.current()
        return cls(state.epoch, state.prunes, event_id)

    def checked(self) -> Cursor:
        """Return the same place as a cursor of now. Raises `CursorExpired`."""
        state = models.current()
        is_behind_prune = self.prunes != state.prunes and self.event_id < state.pruned_through
        if self.epoch != state.epoch or is_behind_prune:
            raise CursorExpired
        return self._replace(prunes=state.prunes)
