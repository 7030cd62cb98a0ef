"""What a monitoring system says about one key of its own; `incidents.signal_service` knows what it does.

Signal(action=Action.TRIGGER, key="eacd290c2e54e780", title="Disk sda is 97 % full", ...)
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from incidents.severity import Severity

# PagerDuty's limit of a summary.
MAX_TITLE_LENGTH = 1_024
MAX_LINK_LENGTH = 2_000


class Action(StrEnum):
    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    NOTE = "note"
    TEST = "test"


@dataclass(frozen=True, kw_only=True)
class Signal:
    """What a sender says about one key of its own.

    `key` is 1 to 255 characters, unique only within the sender. `title` is one line of 1 to 1024
    characters. `details` is plain text: of a trigger the rest of the description, of any other action its
    comment; it may be empty. All texts are free of control characters and lone surrogates.

    `starts_at` and `ends_at` are those of the episode at the sender, aware and of the years 1970 to 2200, or
    None if the sender gave none that is sane. `link` leads to the sender over http or https.

    An `optional` signal is not reported to the sender when nothing with its key is active.
    """

    action: Action
    key: str
    title: str
    details: str = ""
    severity: Severity | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    link: str | None = None
    optional: bool = False

    @property
    def description(self) -> str:
        """The title and the details as the description of an incident, at most 10,000 characters."""
        return f"{self.title}\n\n{self.details}" if self.details else self.title
