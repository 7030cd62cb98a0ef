"""What administrators do with destinations, from the page and from `manage.py destination`."""

from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from common.http import guarded_client
from incidents.feed.settled import newest_event_id
from integrations.outbound import messages
from integrations.outbound.encryption import Unreadable
from integrations.outbound.models import Delivery, Destination, Transport
from integrations.outbound.sending import UNREADABLE, address_of
from integrations.outbound.transports import mail, webhook
from integrations.outbound.transports.base import Address, Outcome
from integrations.outbound.transports.registry import SENDERS, TAKES_SECRET

OVERLAP = timedelta(hours=24)


def add(
    *, name: str, transport: Transport, address: str, secret: str = "", **more: Any
) -> tuple[Destination, str]:
    """Make a destination that is told of events from now on; return the secret that was made, "" if none was.

    Raises Django's `ValidationError` with what is wrong.
    """
    check(transport, address, secret)
    made = webhook.new_secret() if transport is Transport.WEBHOOK else ""
    destination = Destination(
        name=name, transport=transport, address=address, starts_after=newest_event_id(), **more
    )
    destination.secret = made or secret
    destination.full_clean(exclude=["kinds", "statuses", "sources", "severities"])
    destination.save()
    return destination, made


def check(transport: Transport, address: str, secret: str) -> None:
    if transport in TAKES_SECRET and not secret:
        raise ValidationError(_("This transport needs a secret: a bot's token, or Apprise's URL."))
    if transport is Transport.WEBHOOK:
        try:
            guarded_client.parsed(address)
        except guarded_client.AddressRefused as refused:
            raise ValidationError(str(refused)) from None
    if transport is Transport.EMAIL and not mail.recipients(Address(address)):
        raise ValidationError(_("Give at least one mail address."))


def test(destination: Destination) -> Outcome:
    """Send a test now, also to a disabled destination, and return what became of it."""
    try:
        address = address_of(destination)
    except Unreadable:
        return Outcome(success=False, reason=UNREADABLE)
    return SENDERS[destination.transport](address, messages.test_message(destination))


def disable(destination: Destination, reason: str) -> None:
    Destination.objects.filter(pk=destination.pk).update(enabled=False, disabled_because=reason)


def enable(destination: Destination) -> None:
    """Deliver what happens from now on, and what was waiting when it was disabled."""
    Destination.objects.filter(pk=destination.pk).update(
        enabled=True, disabled_because="", failing_since=None, starts_after=newest_event_id()
    )


def rotate(destination: Destination) -> str:
    """Make a new secret and return it; requests are signed with the old one too for 24 hours."""
    secret = webhook.new_secret()
    destination.previous_secret = destination.encrypted_secret
    destination.previous_secret_until = timezone.now() + OVERLAP
    destination.secret = secret
    destination.save(update_fields=["encrypted_secret", "previous_secret", "previous_secret_until"])
    return secret


def resend(delivery_id: int) -> bool:
    """Deliver again, with the same message id; False if it is being delivered anyway."""
    finished = Delivery.objects.filter(pk=delivery_id).exclude(state=Delivery.State.PENDING)
    return make_pending(finished) == 1


def resend_failed(destination: Destination, since: datetime) -> int:
    """Deliver again all that were given up since; return how many."""
    with transaction.atomic():
        dead = destination.deliveries.filter(state=Delivery.State.DEAD, finished_at__gte=since)
        return make_pending(dead)


def make_pending(deliveries: Any) -> int:
    updated: int = deliveries.update(
        state=Delivery.State.PENDING, attempts=0, next_at=timezone.now(), finished_at=None, reason=""
    )
    return updated


def backlog(destination: Destination) -> tuple[int, int]:
    """Return how many deliveries wait, and how many were given up."""
    pending = destination.deliveries.filter(state=Delivery.State.PENDING).count()
    return pending, destination.deliveries.filter(state=Delivery.State.DEAD).count()
