"""What administrators do with destinations, from the page and from `manage.py destination`."""

import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from common.http import guarded_client
from incidents.feed.settled import newest_event_id
from incidents.models import Event, Source, Status
from incidents.severity import Severity
from incidents.validators import has_forbidden_characters
from integrations.outbound import delivery_states, messages
from integrations.outbound.encryption import Unreadable
from integrations.outbound.models import Delivery, Destination, Thread, Transport
from integrations.outbound.sending import UNREADABLE, address_of, send_now
from integrations.outbound.transports import mail, webhook
from integrations.outbound.transports.base import Address, Outcome
from integrations.outbound.transports.registry import TAKES_SECRET

OVERLAP = timedelta(hours=24)
MAX_COUNTED = 1000
# What a destination may choose by; none chooses all.
CHOICES = {"kinds": Event.Kind, "statuses": Status, "sources": Source, "severities": Severity}
CHANGEABLE = (
    "name",
    "address",
    *CHOICES,
    "skipped_user",
    "delay_minutes",
    "quiet_from",
    "quiet_to",
    "time_zone",
    "language",
)
# core.telegram.org/bots/api#authorizing-your-bot
TELEGRAM_TOKEN = re.compile(r"\d+:[A-Za-z0-9_-]+")


def add(
    *, name: str, transport: Transport, address: str, secret: str = "", **more: Any
) -> tuple[Destination, str]:
    """Make a destination that is told of events from now on; return the secret that was made, "" if none was.

    Raises Django's `ValidationError` with what is wrong.
    """
    made = webhook.new_secret() if transport is Transport.WEBHOOK else ""
    destination = Destination(
        name=name, transport=transport, address=address, starts_after=newest_event_id(), **more
    )
    check(destination, made or secret)
    destination.secret = made or secret
    destination.save()
    return destination, made


def change(destination: Destination, *, secret: str = "", **fields: Any) -> None:
    """Store what is `CHANGEABLE`, and a `secret` that was given anew. Raises `ValidationError`.

    A destination that was disabled as its secret could not be read is enabled with a new one.
    """
    moved = "address" in fields and fields["address"] != destination.address
    for name, value in fields.items():
        setattr(destination, name, value)
    check(destination, secret)
    destination.save(update_fields=CHANGEABLE)
    if moved:
        # The messages to which later ones would reply are elsewhere.
        Thread.objects.filter(destination=destination).delete()
    if secret:
        replace_secret(destination, secret)


def check(destination: Destination, secret: str) -> None:
    """Raise `ValidationError` for what no destination can have; a blank `secret` keeps the present one."""
    destination.full_clean(exclude=CHOICES)
    check_fields(destination)
    check_address(Transport(destination.transport), destination.address)
    check_secret(Transport(destination.transport), secret, is_needed=not destination.encrypted_secret)


def check_fields(destination: Destination) -> None:
    for name, choices in CHOICES.items():
        if unknown := set(getattr(destination, name)) - set(choices.values):
            raise ValidationError({name: f"{', '.join(sorted(unknown))}: {', '.join(choices.values)}"})
    if has_forbidden_characters(destination.name) or len(destination.name.splitlines()) > 1:
        raise ValidationError({"name": _("The name has line breaks or control characters.")})
    if (destination.quiet_from is None) != (destination.quiet_to is None):
        raise ValidationError({"quiet_to": _("Quiet hours have a beginning and an end.")})
    try:
        messages.zone_of(destination)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValidationError({"time_zone": _("There is no such time zone; one is Europe/Moscow.")}) from None


def check_address(transport: Transport, address: str) -> None:
    if transport is Transport.WEBHOOK:
        try:
            guarded_client.parsed(address)
        except guarded_client.AddressRefused as refused:
            raise ValidationError({"address": _(str(refused))}) from None
    if transport is Transport.EMAIL:
        try:
            found = mail.recipients(Address(address))
        except ValidationError as error:
            raise ValidationError({"address": error.messages}) from None
        if not found:
            raise ValidationError({"address": _("Give at least one mail address.")})


def check_secret(transport: Transport, secret: str, *, is_needed: bool) -> None:
    if transport in TAKES_SECRET and not secret and is_needed:
        raise ValidationError(_("This transport needs a secret: a bot's token, or Apprise's URL."))
    if not (secret.isascii() and secret.isprintable()):
        raise ValidationError(_("The secret has characters that no token and no URL has."))
    if secret and transport is Transport.TELEGRAM and not TELEGRAM_TOKEN.fullmatch(secret):
        raise ValidationError(_("A bot's token looks like 123456:ABC-def; @BotFather shows it."))


def replace_secret(destination: Destination, secret: str, *, keep_previous: bool = False) -> None:
    was_unreadable = not is_readable(destination)
    keep_previous = keep_previous and not was_unreadable
    destination.previous_secret = destination.encrypted_secret if keep_previous else ""
    destination.previous_secret_until = timezone.now() + OVERLAP if keep_previous else None
    destination.secret = secret
    destination.save(update_fields=["encrypted_secret", "previous_secret", "previous_secret_until"])
    if was_unreadable and destination.disabled_because == UNREADABLE:
        enable(destination)


def is_readable(destination: Destination) -> bool:
    """Tell whether its secret was encrypted under the present SECRET_KEY."""
    try:
        address_of(destination)
    except Unreadable:
        return False
    return True


def test(destination: Destination) -> Outcome:
    """Send a test now, also to a disabled destination, and return what became of it."""
    return send_now(destination, messages.test_message(destination))


def disable(destination: Destination) -> None:
    """Deliver nothing more; what waits then waits until it is enabled again."""
    Destination.objects.filter(pk=destination.pk).update(
        enabled=False, disabled_because="", disabled_at=timezone.now(), notice_due=None
    )


def enable(destination: Destination) -> None:
    """Deliver what happens from now on, and what was waiting when it was disabled."""
    Destination.objects.filter(pk=destination.pk).update(
        enabled=True,
        disabled_because="",
        disabled_at=None,
        notice_due=None,
        failing_since=None,
        held_until=None,
        starts_after=newest_event_id(),
    )


def rotate(destination: Destination) -> str:
    """Make a new secret and return it; requests are signed with the old one too for 24 hours."""
    secret = webhook.new_secret()
    replace_secret(destination, secret, keep_previous=True)
    return secret


def delete(destination: Destination) -> None:
    """Delete it with all of its deliveries, some at a time."""
    disable(destination)
    while delivery_states.delete_batch(destination.deliveries.all()):
        pass
    destination.delete()


def resend(delivery_id: int) -> bool:
    """Deliver again, with the same message id; False if it is being delivered anyway."""
    finished = Delivery.objects.filter(pk=delivery_id).exclude(state=Delivery.State.PENDING)
    Destination.objects.filter(deliveries__in=finished).update(held_until=None)
    return make_pending(finished) == 1


def resend_failed(destination: Destination, since: datetime) -> int:
    """Deliver again all that were given up since; return how many."""
    count = 0
    Destination.objects.filter(pk=destination.pk).update(held_until=None)
    dead = destination.deliveries.filter(state=Delivery.State.DEAD, finished_at__gte=since)
    while ids := list(dead.values_list("id", flat=True)[: delivery_states.DELETE_BATCH]):
        count += make_pending(dead.filter(id__in=ids))
    return count


def make_pending(deliveries: QuerySet[Delivery]) -> int:
    return deliveries.update(
        state=Delivery.State.PENDING, attempts=0, next_at=timezone.now(), finished_at=None, reason=""
    )


def backlog(destination: Destination) -> tuple[int, int]:
    """Return how many deliveries wait, and how many were given up; `MAX_COUNTED` stands for more, too."""
    states = (Delivery.State.PENDING, Delivery.State.DEAD)
    pending, dead = (destination.deliveries.filter(state=state)[:MAX_COUNTED].count() for state in states)
    return pending, dead
