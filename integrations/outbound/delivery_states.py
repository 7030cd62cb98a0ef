"""Which deliveries may be sent now, and what became of them. The only writer of deliveries beside fan_out.

A claim is a conditional UPDATE, so that of several dispatchers one has it, on both databases. Who claims has
the lease: after a crash it runs out, and another dispatcher sends again, with the same message id.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_noop

from integrations.outbound.models import MAX_ERROR_LENGTH, Attempt, Delivery, Destination, Thread
from integrations.outbound.retry_schedule import DISABLE_AFTER, next_attempt
from integrations.outbound.transports.base import Outcome, one_line

LEASE = timedelta(seconds=90)
# Between two attempts at a destination that fails.
MIN_PAUSE = timedelta(seconds=5)
MAX_PAUSE = timedelta(minutes=30)
BATCH = 50
MAX_DIGEST = 1000
DELETE_BATCH = 1000
# Reasons are stored in English; `waiting.in_words` translates these.
NO_SUCCESS = gettext_noop("nothing was delivered for five days")


@dataclass(frozen=True, slots=True)
class Result:
    """What became of deliveries that were sent as one message."""

    deliveries: Sequence[Delivery]
    outcome: Outcome
    at: datetime
    milliseconds: int


def claim(destination: Destination, limit: int = BATCH) -> list[Delivery]:
    """Take up to `limit` deliveries of the destination that are due, oldest first.

    A later event of an incident waits for the earlier one; other incidents go on.
    """
    now = timezone.now()
    pending = destination.deliveries.filter(state=Delivery.State.PENDING)
    is_held = Q(next_at__gt=now) | Q(lease_until__gte=now)
    is_free = Q(next_at__lte=now) & (Q(lease_until=None) | Q(lease_until__lt=now))
    earlier = pending.filter(is_held, incident_id=OuterRef("incident_id"), event_id__lt=OuterRef("event_id"))
    due = pending.filter(is_free).exclude(Exists(earlier))
    chosen = list(due.order_by("event_id").values_list("id", flat=True)[:limit])
    lease = secrets.token_hex(16)
    pending.filter(is_free, id__in=chosen).update(lease=lease, lease_until=now + LEASE)
    return list(pending.filter(lease=lease).order_by("event_id"))


def release(deliveries: Sequence[Delivery], *, until: datetime | None = None, reason: str = "") -> None:
    """Give deliveries back unsent; with `until` they wait so long, for the `reason`."""
    held = mine(deliveries)
    if until:
        held.update(lease="", lease_until=None, next_at=until, reason=reason)
    else:
        held.update(lease="", lease_until=None)


def cancel(deliveries: Sequence[Delivery], reason: str) -> None:
    mine(deliveries).update(
        state=Delivery.State.CANCELLED, reason=reason, finished_at=timezone.now(), lease="", lease_until=None
    )


def mine(deliveries: Sequence[Delivery]) -> QuerySet[Delivery]:
    """Return those of the deliveries whose lease no other dispatcher has taken over meanwhile."""
    leases = {delivery.lease for delivery in deliveries}
    return Delivery.objects.filter(
        id__in=[delivery.pk for delivery in deliveries], lease__in=leases, state=Delivery.State.PENDING
    )


def store(destination_id: int, results: Sequence[Result]) -> None:
    """Write down the results of one destination, in one transaction."""
    sent = [delivery for result in results for delivery in result.deliveries]
    with transaction.atomic():
        still_mine = set(mine(sent).values_list("id", flat=True))
        kept = [result for result in results if any(one.pk in still_mine for one in result.deliveries)]
        Attempt.objects.bulk_create(attempt for result in kept for attempt in attempts_of(result))
        if successes := [result for result in kept if result.outcome.success]:
            store_successes(destination_id, successes)
        for result in kept:
            if not result.outcome.success:
                store_failure(destination_id, result)


def attempts_of(result: Result) -> list[Attempt]:
    return [
        Attempt(
            delivery=delivery,
            at=result.at,
            milliseconds=result.milliseconds,
            success=result.outcome.success,
            status=result.outcome.status,
            reason=one_line(result.outcome.reason),
        )
        for delivery in result.deliveries
    ]


def store_successes(destination_id: int, results: Sequence[Result]) -> None:
    """Write down a batch of successes at once: while it is written, incidents cannot be."""
    last = results[-1].at
    mine([delivery for result in results for delivery in result.deliveries]).update(
        state=Delivery.State.DONE,
        attempts=F("attempts") + 1,
        finished_at=last,
        lease="",
        lease_until=None,
        reason="",
    )
    Destination.objects.filter(pk=destination_id).update(
        failing_since=None, held_until=None, last_success_at=last
    )
    Thread.objects.bulk_create(
        [
            Thread(
                destination_id=destination_id,
                incident_id=result.deliveries[0].incident_id,
                message=result.outcome.thread,
            )
            for result in results
            if result.outcome.thread and len(result.deliveries) == 1
        ],
        ignore_conflicts=True,
    )


def store_failure(destination_id: int, result: Result) -> None:
    outcome = result.outcome
    reason = one_line(outcome.reason)
    destination = Destination.objects.filter(pk=destination_id)
    now = timezone.now()
    for delivery in result.deliveries:
        again = next_attempt(delivery.attempts + 1, now, outcome.retry_after)
        if outcome.moved_to:
            again = now
        state = Delivery.State.PENDING if again else Delivery.State.DEAD
        mine([delivery]).update(
            state=state,
            attempts=F("attempts") + 1,
            next_at=again or now,
            finished_at=None if again else now,
            reason=reason,
            lease="",
            lease_until=None,
        )
    if outcome.moved_to:
        destination.update(address=outcome.moved_to)
        return
    fail(destination_id, pause=outcome.retry_after or timedelta(0))
    if outcome.disable:
        disable(destination_id, reason or f"HTTP {outcome.status}")
    elif destination.filter(failing_since__lt=now - DISABLE_AFTER).exists():
        disable(destination_id, f"{NO_SUCCESS}: {reason}")


def fail(destination_id: int, reason: str = "", pause: timedelta = timedelta(0)) -> None:
    """Note that a destination fails, and let everything for it wait, the longer the longer it has failed.

    The destination is held and not its deliveries, of which there may be very many. With a `reason` those
    that are leased are given back, with it.
    """
    now = timezone.now()
    destination = Destination.objects.filter(pk=destination_id).first()
    if destination is None:
        return
    failing_since = destination.failing_since or now
    until = now + max(pause, min(max(now - failing_since, MIN_PAUSE), MAX_PAUSE))
    Destination.objects.filter(pk=destination_id).update(failing_since=failing_since, held_until=until)
    if reason:
        leased = destination.deliveries.filter(state=Delivery.State.PENDING).exclude(lease="")
        leased.update(lease="", lease_until=None, next_at=until, reason=reason)


def disable(destination_id: int, reason: str) -> None:
    """Disable a destination that cannot be delivered to; another one is told of it."""
    now = timezone.now()
    Destination.objects.filter(pk=destination_id, enabled=True).update(
        enabled=False, disabled_because=reason[:MAX_ERROR_LENGTH], disabled_at=now, notice_due=now
    )


def delete_batch(deliveries: QuerySet[Delivery]) -> int:
    """Delete some with their attempts, so that no write lock is held long; return how many."""
    ids = list(deliveries.values_list("id", flat=True)[:DELETE_BATCH])
    with transaction.atomic():
        Attempt.objects.filter(delivery__in=ids).delete()
        Delivery.objects.filter(id__in=ids).delete()
    return len(ids)
