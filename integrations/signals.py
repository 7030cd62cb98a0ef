"""What the senders of monitoring say, in one form: a list of signals.

Each module of `integrations.inbound` turns the payload of one sender into signals and touches nothing else;
what a signal does to incidents is decided by the domain.

    Parsed(signals=(Signal(Action.TRIGGER, key="eacd290c2e54e780", title="Disk sda is 97 % full", ...),),
           rejected=(Rejected(index=1, message="status must be firing or resolved"),))
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

# PagerDuty's limit of a summary.
MAX_TITLE_LENGTH = 1_024
MAX_KEY_LENGTH = 255


class Action(StrEnum):
    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    NOTE = "note"
    TEST = "test"


class Severity(StrEnum):
    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class InvalidEvent(Exception):
    """A payload of which nothing can be used.

    `errors` are plain texts, each naming the field that is wrong; they are shown to the sender.
    """

    def __init__(self, *errors: str) -> None:
        super().__init__("; ".join(errors))
        self.errors = errors


@dataclass(frozen=True, kw_only=True)
class Signal:
    """What a sender says about one key of its own.

    `key` is 1 to 255 characters, unique only within the integration. `title` is one line of 1 to 1024
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


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """One alert of a payload that cannot be used; `index` counts from 0 in the sender's list."""

    index: int
    message: str


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """The signals of a payload in the sender's order, and the alerts that give none.

    Without both the payload is well-formed and says nothing that concerns an incident.
    """

    signals: tuple[Signal, ...] = ()
    rejected: tuple[Rejected, ...] = ()
