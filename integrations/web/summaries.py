"""What the page says of destinations and of the dispatcher at a glance."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from integrations.outbound import destinations, ticks
from integrations.outbound.destinations import MAX_COUNTED
from integrations.outbound.models import Delivery, Destination
from integrations.outbound.waiting import in_words


@dataclass(frozen=True, slots=True)
class Summary:
    """`pending` and `dead` are at most `MAX_COUNTED`; `failure` is why the last attempt failed."""

    destination: Destination
    pending: int
    dead: int
    is_readable: bool
    failure: str

    @property
    def disabled_because(self) -> str:
        """Why the dispatcher has disabled it, "" if an administrator has."""
        return in_words(self.destination.disabled_because)

    @property
    def max_counted(self) -> int:
        return MAX_COUNTED


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Whether a dispatcher runs, and how long ago it said so; no seconds if none ever has."""

    runs: bool
    seconds: int | None

    @classmethod
    def now(cls) -> "Dispatcher":
        return cls.of(ticks.last_tick())

    @classmethod
    def of(cls, ticked_at: datetime | None) -> "Dispatcher":
        seconds = int((timezone.now() - ticked_at).total_seconds()) if ticked_at else None
        return cls(ticks.is_recent(ticked_at), seconds)


def summaries() -> list[Summary]:
    return [summary(one) for one in Destination.objects.order_by("enabled", "name")]


def summary(destination: Destination) -> Summary:
    pending, dead = destinations.backlog(destination)
    is_readable = destinations.is_readable(destination)
    return Summary(destination, pending, dead, is_readable, failure_of(destination))


def failure_of(destination: Destination) -> str:
    if destination.failing_since is None:
        return ""
    tried = destination.deliveries.filter(state=Delivery.State.PENDING, attempts__gt=0)
    reason = tried.order_by("event_id").values_list("reason", flat=True).first()
    return in_words(reason or "")
