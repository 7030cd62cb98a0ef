"""What the module of a sender makes of a payload.

Each module of `integrations.inbound` turns the payload of one sender into signals and touches nothing else;
what a signal does to incidents is decided by the domain.

    Parsed(signals=(Signal(Action.TRIGGER, key="eacd290c2e54e780", title="Disk sda is 97 % full", ...),),
           rejected=(Rejected(index=1, message="status must be firing or resolved"),))
"""

from dataclasses import dataclass

from incidents.signals import Signal


class InvalidEvent(Exception):
    """A payload of which nothing can be used.

    `errors` are plain texts, each naming the field that is wrong; they are shown to the sender.
    """

    def __init__(self, *errors: str) -> None:
        super().__init__("; ".join(errors))
        self.errors = errors


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
