"""Making deliveries: for each settled event one for each destination that wants it."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from common.db.compiled import insert
from incidents.feed import models as feed
from incidents.feed.settled import horizon, settled_events
from incidents.models import Incident
from integrations.outbound.models import Delivery, Destination, DispatcherState, new_message_id

# Deliveries that are made in one transaction: meanwhile no incident can be written.
MAX_MADE = 200
insert_delivery = insert(
    Delivery,
    [
        *("destination", "event_id", "incident_id", "message_id"),
        *("state", "attempts", "next_at"),
        *("lease", "reason", "created_at"),
    ],
)
RESTORED = gettext_noop("a backup was restored")


def fan_out() -> int:
    """Make the deliveries of the next settled events; return how many events were looked at.

    Imported events are delivered to nobody. After a restore the events up to now are old ones too, and
    deliveries that were pending in the backup may have been made after it: they are cancelled.
    """
    destinations = list(Destination.objects.filter(enabled=True))
    if not destinations:
        return 0
    through = position(destinations)
    events = settled_events(through, max(1, MAX_MADE // len(destinations)))
    if not events:
        return 0
    incidents = Incident.objects.in_bulk({event.incident_id for event in events})
    now = timezone.now()
    made = [
        (
            *(destination.pk, event.pk, event.incident_id, new_message_id()),
            *(Delivery.State.PENDING.value, 0, event.at + timedelta(minutes=destination.delay_minutes)),
            *("", "", now),
        )
        for event in events
        if not event.imported and event.incident_id in incidents
        for destination in destinations
        if destination.wants(event, incidents[event.incident_id])
    ]
    with transaction.atomic():
        # Of two dispatchers the second finds them made.
        moved = DispatcherState.objects.filter(pk=1, through=through).update(through=events[-1].pk)
        if moved:
            insert_delivery.many(made)
    return len(events)


def position(destinations: list[Destination]) -> int:
    """Return the id of the last event for which deliveries are made."""
    epoch = feed.current().epoch
    state, _made = DispatcherState.objects.get_or_create(pk=1)
    if state.epoch != epoch:
        settled = horizon.observe()
        with transaction.atomic():
            if state.epoch:
                pending = Delivery.objects.filter(state=Delivery.State.PENDING)
                pending.update(state=Delivery.State.CANCELLED, reason=RESTORED)
            Destination.objects.filter(starts_after__gt=settled).update(starts_after=settled)
            through = settled if state.epoch else state.through
            DispatcherState.objects.filter(pk=1).update(epoch=epoch, through=through)
        state.through = through
    # What nobody wanted was skipped while there was no destination.
    oldest_start = min(destination.starts_after for destination in destinations)
    if oldest_start > state.through:
        DispatcherState.objects.filter(pk=1, through=state.through).update(through=oldest_start)
        return oldest_start
    return state.through
