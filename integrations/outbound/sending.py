"""Sending what a destination is due, one batch after the other: network in threads, the database around it.

`prepare` reads and decides, `transmit` talks to the network and touches no database, and what came of it is
stored by `delivery_states.store`.
"""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext_noop

from incidents.models import Event, Incident, Status
from incidents.statements import INCIDENT_COLUMNS, IncidentRow
from integrations.outbound import delivery_states, messages
from integrations.outbound.delivery_states import Result
from integrations.outbound.encryption import Unreadable, decrypt
from integrations.outbound.models import Attempt, Delivery, Destination, Thread, Transport
from integrations.outbound.quiet_hours import quiet_until
from integrations.outbound.transports.base import Address, Message, Outcome
from integrations.outbound.transports.registry import SENDERS

# Telegram lets a bot send 20 messages a minute to a group (core.telegram.org/bots/faq).
MAX_MESSAGES_A_MINUTE = 20
# More at once, or what is older, is told in one message.
MAX_SINGLE_MESSAGES = 5
STALE_AFTER = timedelta(hours=1)
# A batch ends long before its lease.
MAX_BATCH_SECONDS = 30.0
# Reasons are stored in English; `waiting.in_words` translates them.
UNREADABLE = gettext_noop("the secret was encrypted under another SECRET_KEY, give it anew")
QUIET_HOURS = gettext_noop("quiet hours")
RATE_LIMIT = gettext_noop("20 messages a minute are the limit")
PRUNED = gettext_noop("the incident was pruned")
TAKEN = gettext_noop("it was taken or finished within the delay")


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message with the deliveries that it tells of."""

    message: Message
    deliveries: Sequence[Delivery]


@dataclass(frozen=True, slots=True)
class Batch:
    """What one destination is sent, in this order."""

    destination_id: int
    transport: str
    address: Address
    parcels: Sequence[Parcel]


def prepare(destination: Destination) -> Batch | None:
    """Claim what is due for the destination and write its messages; None if there is nothing to send now."""
    transport = Transport(destination.transport)
    deliveries = delivery_states.claim(
        destination, delivery_states.MAX_DIGEST if transport.is_for_people else delivery_states.BATCH
    )
    if not deliveries:
        return None
    try:
        address = address_of(destination)
    except Unreadable:
        delivery_states.release(deliveries, until=timezone.now() + timedelta(minutes=5), reason=UNREADABLE)
        delivery_states.disable(destination.pk, UNREADABLE)
        return None
    build = for_people if transport.is_for_people else for_machines
    parcels = build(destination, deliveries)
    return Batch(destination.pk, transport, address, parcels) if parcels else None


def address_of(destination: Destination) -> Address:
    """Return the address with its secrets in the clear. Raises `Unreadable`."""
    secrets = [destination.secret] if destination.encrypted_secret else []
    until = destination.previous_secret_until
    if destination.previous_secret and until and until > timezone.now():
        secrets.append(decrypt(destination.previous_secret))
    return Address(destination.address, tuple(secrets))


def for_machines(destination: Destination, deliveries: Sequence[Delivery]) -> list[Parcel]:
    events = events_of(deliveries)
    found = still_there(deliveries, events)
    incidents = Incident.objects.filter(id__in={delivery.incident_id for delivery in found})
    rows = {row[0]: IncidentRow(*row) for row in incidents.values_list(*INCIDENT_COLUMNS)}
    wanted = still_open(destination, found, {pk for pk, row in rows.items() if row.status == Status.OPEN})
    return [
        Parcel(
            messages.for_machines(delivery, events[delivery.event_id], rows[delivery.incident_id]), [delivery]
        )
        for delivery in wanted
    ]


def for_people(destination: Destination, deliveries: Sequence[Delivery]) -> list[Parcel]:
    now = timezone.now()
    until = quiet_until(now, destination.quiet_from, destination.quiet_to, messages.zone_of(destination))
    if until:
        delivery_states.release(deliveries, until=until, reason=QUIET_HOURS)
        return []
    allowance = MAX_MESSAGES_A_MINUTE - sent_since(destination, now - timedelta(minutes=1))
    if allowance <= 0:
        delivery_states.release(deliveries, until=now + timedelta(seconds=10), reason=RATE_LIMIT)
        return []
    events = events_of(deliveries)
    found = still_there(deliveries, events)
    incidents = Incident.objects.in_bulk({delivery.incident_id for delivery in found})
    open_ids = {pk for pk, incident in incidents.items() if incident.status == Status.OPEN}
    wanted = still_open(destination, found, open_ids)
    is_stale = any(events[delivery.event_id].at < now - STALE_AFTER for delivery in wanted)
    if len(wanted) > min(MAX_SINGLE_MESSAGES, allowance) or (is_stale and len(wanted) > 1):
        told = list({delivery.incident_id: incidents[delivery.incident_id] for delivery in wanted}.values())
        return [Parcel(messages.digest(wanted, destination, told), wanted)]
    threads = dict(
        Thread.objects.filter(
            destination=destination, incident_id__in=[delivery.incident_id for delivery in wanted]
        ).values_list("incident_id", "message")
    )
    return [
        Parcel(
            messages.for_people(
                delivery,
                destination,
                events[delivery.event_id],
                incidents[delivery.incident_id],
                threads.get(delivery.incident_id, ""),
            ),
            [delivery],
        )
        for delivery in wanted
    ]


def events_of(deliveries: Sequence[Delivery]) -> dict[int, Event]:
    found = Event.objects.filter(id__in=[delivery.event_id for delivery in deliveries])
    return {event.pk: event for event in found.select_related("by", "assignee")}


def still_there(deliveries: Sequence[Delivery], events: dict[int, Event]) -> list[Delivery]:
    pruned = [delivery for delivery in deliveries if delivery.event_id not in events]
    if pruned:
        delivery_states.cancel(pruned, PRUNED)
    return [delivery for delivery in deliveries if delivery.event_id in events]


def still_open(
    destination: Destination, deliveries: Sequence[Delivery], open_ids: Collection[int]
) -> Sequence[Delivery]:
    """Cancel what a destination with a delay need not hear: somebody took or finished it meanwhile."""
    if not destination.delay_minutes:
        return deliveries
    taken = [delivery for delivery in deliveries if delivery.incident_id not in open_ids]
    if taken:
        delivery_states.cancel(taken, TAKEN)
    return [delivery for delivery in deliveries if delivery.incident_id in open_ids]


def sent_since(destination: Destination, since: datetime) -> int:
    """Count the messages, a digest once."""
    attempts = Attempt.objects.filter(delivery__destination=destination, at__gte=since)
    return attempts.values("at").distinct().count()


def transmit(batch: Batch, is_stopping: Callable[[], bool]) -> tuple[list[Result], list[Delivery]]:
    """Send the batch until its first failure; return the results, and the deliveries that were not tried."""
    started = time.monotonic()
    results: list[Result] = []
    for number, parcel in enumerate(batch.parcels):
        if is_stopping() or time.monotonic() - started > MAX_BATCH_SECONDS:
            return results, untried(batch, number)
        at, began = timezone.now(), time.monotonic()
        outcome = send_one(batch.transport, batch.address, parcel.message)
        results.append(Result(parcel.deliveries, outcome, at, int((time.monotonic() - began) * 1000)))
        if not outcome.success:
            return results, untried(batch, number + 1)
    return results, []


def send_one(transport: str, address: Address, message: Message) -> Outcome:
    try:
        return SENDERS[transport](address, message)
    except Exception as error:  # noqa: BLE001  # one destination's fault is not another's
        return Outcome(success=False, reason=f"{error.__class__.__name__} in the transport")


def send_now(destination: Destination, message: Message) -> Outcome:
    """Send a message that no event made, at once and once; without the database."""
    try:
        address = address_of(destination)
    except Unreadable:
        return Outcome(success=False, reason=UNREADABLE)
    return send_one(destination.transport, address, message)


def untried(batch: Batch, start: int) -> list[Delivery]:
    return [delivery for parcel in batch.parcels[start:] for delivery in parcel.deliveries]
