"""Where an incident stands in the queue from which it was opened, and which ones are beside it."""

from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from incidents.models import Incident
from incidents.web.filters import chips, without
from incidents.web.queue import Queue
from incidents.web.tabs import ACTIVE_TAB, TAB_LABELS

MAX_LISTED = 200


@dataclass(frozen=True)
class Place:
    """`number` of `total` incidents, of which there may be more; None of one that the queue shows no more."""

    number: int | None
    total: int
    has_more: bool
    previous: Incident | None
    next: Incident | None


def place(queue: Queue, incident: Incident, former_status: str) -> Place:
    """Find the incident among the first ones of the queue; `former_status` is the one that it had before."""
    light = Incident.objects.only("id", "created_at", "status", "severity")
    found = queue.page(None, MAX_LISTED, base=light)
    listed = found.incidents
    at = next((number for number, one in enumerate(listed) if one.pk == incident.pk), None)
    if at is not None:
        previous = listed[at - 1] if at else None
        following = listed[at + 1] if at + 1 < len(listed) else None
        return Place(at + 1, len(listed), found.next is not None, previous, following)
    here = order(queue, incident, former_status)
    behind = (one for one in listed if order(queue, one, one.status) > here)
    return Place(None, len(listed), False, None, next(behind, listed[0] if listed else None))


def order(queue: Queue, incident: Incident, status: str) -> tuple[int, float, int]:
    sign = 1 if queue.oldest_first else -1
    group = queue.group_of(status, incident.severity)
    return group, sign * incident.created_at.timestamp(), sign * incident.pk


def described(parameters: QueryDict) -> dict[str, Any]:
    """Describe the queue of these parameters for the link back to it."""
    tab = parameters.get("status", ACTIVE_TAB)
    words = [str(TAB_LABELS[tab])] if tab in TAB_LABELS and tab != ACTIVE_TAB else []
    words += [str(chip["value"]) for chip in chips(parameters)]
    words += [f"«{parameters['q']}»"] if parameters.get("q") else []
    name = ", ".join(word if word.startswith("«") else word[:1].lower() + word[1:] for word in words)
    return {"name": f"{_('Queue')}: {name}" if name else _("Queue"), "query": without(parameters, "before")}
