"""Whether a dispatcher runs: each notes every few seconds that it does."""

from datetime import datetime, timedelta

from django.utils import timezone

from integrations.outbound.models import DispatcherState

TICK_EVERY = 5.0  # seconds
# A dispatcher that has been silent for longer does not run; it starts anew within a minute.
MAX_SILENCE = timedelta(seconds=20)


def tick() -> None:
    DispatcherState.objects.update_or_create(pk=1, defaults={"last_tick_at": timezone.now()})


def last_tick() -> datetime | None:
    """Return when a dispatcher last ran, None if none ever has."""
    return DispatcherState.objects.filter(pk=1).values_list("last_tick_at", flat=True).first()


def is_recent(ticked_at: datetime | None) -> bool:
    return ticked_at is not None and ticked_at > timezone.now() - MAX_SILENCE
