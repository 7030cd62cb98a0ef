"""Marking incidents of which their sender has said nothing for long: the end of an alert may never come.

Alertmanager sends none for what was silenced, inhibited, or resolved while it was down, and Uptime Kuma none
for a monitor that was paused. An integration with `stale_minutes` has its silent active incidents commented
once in each silence, or with `resolves_stale` resolved by the same text, as if the sender had said so. No
process runs for it: `step` is called with each post and by the page of connections.
"""

import contextlib
import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from incidents import services, signal_service
from incidents.models import UNFINISHED, Event, Incident, Source
from incidents.services import Origin
from incidents.signal_rules import Sender
from incidents.signals import Action, Signal
from integrations.models import Integration

INTERVAL = timedelta(minutes=1)
BATCH = 100


class Throttle:
    """When this process looked last, by its monotonic clock."""

    last_step: float | None = None


def step() -> None:
    """Mark what has become stale, at most once a minute in each process."""
    now = time.monotonic()
    if Throttle.last_step is not None and now - Throttle.last_step < INTERVAL.total_seconds():
        return
    Throttle.last_step = now
    mark_stale(timezone.now())


def mark_stale(now: datetime) -> int:
    """Comment up to 100 silent incidents of each integration; return how many."""
    due = Integration.objects.filter(stale_minutes__isnull=False, stale_checked_at__lt=now - INTERVAL)
    return sum(mark_stale_of(integration, now) for integration in due)


def mark_stale_of(integration: Integration, now: datetime) -> int:
    """Comment the incidents whose silence has become too long since the last look."""
    silence = timedelta(minutes=integration.stale_minutes or 0)
    before, until = integration.stale_checked_at - silence, now - silence
    active = Incident.objects.filter(
        created_by=integration.user_id, dedup_key__isnull=False, status__in=UNFINISHED
    )
    silent = active.filter(last_seen_at__gt=before, last_seen_at__lte=until).order_by("last_seen_at", "id")
    with transaction.atomic():
        if last := silent[BATCH - 1 : BATCH].values_list("last_seen_at", flat=True).first():
            until = last
        # Another process that looks at the same time has taken these then.
        claimed = Integration.objects.filter(
            pk=integration.pk, stale_checked_at=integration.stale_checked_at
        ).update(stale_checked_at=until + silence)
        found = silent.filter(last_seen_at__lte=until).values_list("id", "dedup_key") if claimed else []
        marked = [(pk, str(key)) for pk, key in found]
        if integration.resolves_stale:
            resolve([key for _pk, key in marked], integration)
        else:
            for pk, _key in marked:
                comment(pk, integration)
    return len(marked)


def reason(integration: Integration) -> str:
    with translation.override(settings.LANGUAGE_CODE):
        return _("Stale: no signal for %d minutes.") % integration.stale_minutes


def resolve(keys: list[str], integration: Integration) -> None:
    text = reason(integration)
    signals = [Signal(action=Action.RESOLVE, key=key, title=text, details=text) for key in keys]
    signal_service.handle(signals, Sender(integration.user_id, Source(integration.source)))


def comment(pk: int, integration: Integration) -> None:
    text = reason(integration)
    with contextlib.suppress(services.HistoryFull):
        services.change(pk, Origin(integration.user_id, Event.Channel.HOOK), comment=text)
