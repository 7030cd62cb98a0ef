"""Changing many incidents at once: each only if it still is as it was seen, each with its own outcome."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from django.db import transaction

from incidents import services
from incidents.models import Status
from incidents.services import IncidentError, Origin
from incidents.transition import KEEP

# For so long other writers wait.
MAX_INCIDENTS = 200


class Wanted(NamedTuple):
    """`seen` is the status on which the user decided; without a `status` there is only a comment."""

    id: int
    seen: Status
    status: Status | None


@dataclass
class Outcome:
    """The ids of what was changed, and why the others were not."""

    changed: list[int] = field(default_factory=list)
    refused: dict[int, IncidentError] = field(default_factory=dict)


def change_many(wanted: Iterable[Wanted], origin: Origin, comment: str = "") -> Outcome:
    """Change up to `MAX_INCIDENTS` in one transaction; one that is refused holds back no other."""
    outcome = Outcome()
    with transaction.atomic():
        # In one order, so that two such calls do not wait for each other for ever.
        for one in sorted(wanted)[:MAX_INCIDENTS]:
            try:
                services.change(
                    one.id,
                    origin,
                    status=one.status,
                    expected_status=one.seen if one.status else None,
                    comment=comment,
                    # What goes back to the queue is nobody's.
                    assignee=None if one.status == Status.OPEN else KEEP,
                )
            except IncidentError as error:
                outcome.refused[one.id] = error
            else:
                outcome.changed.append(one.id)
    return outcome
