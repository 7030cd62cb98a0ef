"""Why a delivery waits, in words."""

from datetime import datetime

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from integrations.outbound.models import Delivery, Destination

RECEIVER_FAILS = gettext_noop("waits, as the receiver fails")


def in_words(reason: str) -> str:
    """Translate a stored reason, or what stands before its first colon; a receiver's text stays."""
    head, colon, rest = reason.partition(": ")
    return (_(head) if head else "") + colon + rest


def why_waiting(delivery: Delivery, destination: Destination, first_pending: int, is_running: bool) -> str:
    """Say why a pending delivery was not sent yet.

    `first_pending` is the id of the first event of its incident that is pending at the destination, and
    `is_running` tells whether a dispatcher runs.
    """
    now = timezone.now()
    if not destination.enabled:
        return _("the destination is disabled")
    if not is_running:
        return _("the dispatcher does not run")
    if delivery.lease_until and delivery.lease_until >= now:
        return _("it is being sent")
    if first_pending < delivery.event_id:
        return _("an earlier event of this incident comes first")
    held_until = destination.held_until or delivery.next_at
    until = max(delivery.next_at, held_until)
    if until <= now:
        return _("it is due")
    return why_later(delivery, shown(until, now), is_held=held_until > delivery.next_at)


def why_later(delivery: Delivery, time: str, *, is_held: bool) -> str:
    if delivery.attempts:
        text = _("attempt %(number)d failed, the next one is at %(time)s")
        return text % {"number": delivery.attempts, "time": time}
    reason = RECEIVER_FAILS if is_held else delivery.reason
    if reason:
        return _("%(reason)s, until %(time)s") % {"reason": in_words(reason), "time": time}
    return _("delay: told at %(time)s if nobody has taken it by then") % {"time": time}


def shown(time: datetime, now: datetime) -> str:
    """Show a time of today as a time, any other one with its date."""
    local = timezone.localtime(time)
    if local.date() == timezone.localtime(now).date():
        return f"{local:%H:%M:%S}"
    return formats.date_format(local, "SHORT_DATETIME_FORMAT")
