"""The deliveries of a destination as its page lists them."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Min

from incidents.models import Event
from integrations.outbound.models import Attempt, Delivery, Destination
from integrations.outbound.waiting import in_words, why_waiting

MAX_LISTED = 25
MAX_ATTEMPTS = 20
MAX_ID_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Row:
    """A delivery with its attempts, the newest first; `why` it waits, or was cancelled."""

    delivery: Delivery
    kind: str
    why: str
    attempts: list[Attempt]


@dataclass(frozen=True, slots=True)
class Page:
    """`state` is that of all rows, "" for any; `next` is where the next page begins, None on the last one."""

    rows: list[Row]
    state: str
    next: int | None


def page_of(destination: Destination, asked: Mapping[str, str], *, is_running: bool) -> Page:
    """List the newest deliveries with `state`, before the event `before`; what is wrong there is ignored."""
    state = asked.get("state", "")
    found = destination.deliveries.order_by("-event_id")
    if state in Delivery.State.values:
        found = found.filter(state=state)
    before = asked.get("before", "")
    if before.isascii() and before.isdecimal() and len(before) <= MAX_ID_DIGITS:
        found = found.filter(event_id__lt=int(before))
    deliveries = list(found[: MAX_LISTED + 1])
    more, deliveries = len(deliveries) > MAX_LISTED, deliveries[:MAX_LISTED]
    attempts: defaultdict[int, list[Attempt]] = defaultdict(list)
    for attempt in Attempt.objects.filter(delivery__in=deliveries).order_by("-id"):
        attempts[attempt.delivery_id].append(attempt)
    kinds = {event.pk: event.get_kind_display() for event in events_of(deliveries)}
    earliest = first_pending(destination, deliveries)
    rows = [
        Row(
            delivery,
            kinds.get(delivery.event_id, ""),
            why_waiting(delivery, destination, earliest[delivery.incident_id], is_running)
            if delivery.state == Delivery.State.PENDING
            else in_words(delivery.reason),
            attempts[delivery.pk][:MAX_ATTEMPTS],
        )
        for delivery in deliveries
    ]
    return Page(rows, state, deliveries[-1].event_id if more else None)


def events_of(deliveries: list[Delivery]) -> list[Event]:
    return list(Event.objects.filter(id__in=[one.event_id for one in deliveries]).only("id", "kind"))


def first_pending(destination: Destination, deliveries: list[Delivery]) -> dict[int, int]:
    """Return the id of the first pending event by the id of its incident."""
    pending = destination.deliveries.filter(
        state=Delivery.State.PENDING, incident_id__in={one.incident_id for one in deliveries}
    )
    return dict(pending.values_list("incident_id").annotate(Min("event_id")))
