"""The writers of incidents, beside incidents.bulk: a call is one transaction, for the row and its event.

    created = services.create(NewIncident("Самокат не в сети", Source.OPERATOR), origin)
    services.change(created.id, origin, status=Status.RESOLVED, comment="Сел аккумулятор")

Errors:

    IncidentError
    ├── IncidentNotFound        there is no incident of this id
    ├── IdempotencyKeyReused    the key belongs to an incident with other content
    └── StaleStatus        the status is no longer the one that the caller saw
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError
from django.utils import timezone

from common.db.transactions import write_transaction
from incidents import statements
from incidents.models import Event, Incident, Source, Status, folded

MAX_ID = 2**63 - 1


class IncidentError(Exception):
    """Why the domain does not carry a command out."""


class IncidentNotFound(IncidentError):
    pass


class IdempotencyKeyReused(IncidentError):
    pass


class StaleStatus(IncidentError):
    pass


@dataclass(frozen=True, slots=True)
class Origin:
    """Who acts (a user's id, None for nobody known) and through which door."""

    user_id: int | None
    door: Event.Door


@dataclass(frozen=True, slots=True)
class NewIncident:
    """A report, checked by its door. `created_at` None means now."""

    description: str
    source: Source
    created_at: datetime | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Created:
    """The incident's id, and whether this call made it or an earlier one with the same key."""

    id: int
    created: bool


def create(new: NewIncident, origin: Origin) -> Created:
    """Store a new open incident, or find the one that this user's idempotency key already made.

    Raises `IdempotencyKeyReused`.
    """
    try:
        return Created(insert(new, origin), created=True)
    except IntegrityError:
        before = find_by_idempotency_key(new, origin)
        if before is None:
            raise
        return Created(before, created=False)


def insert(new: NewIncident, origin: Origin) -> int:
    now = timezone.now()
    with write_transaction():
        [(pk,)] = statements.insert_incident.rows(
            description=new.description,
            search_text=folded(new.description),
            status=Status.OPEN.value,
            source=new.source.value,
            created_at=new.created_at or now,
            updated_at=now,
            created_by=origin.user_id,
            idempotency_key=new.idempotency_key,
        )
        add_event(pk, origin, Event.Kind.CREATED, now, after=Status.OPEN)
    return int(pk)


def find_by_idempotency_key(new: NewIncident, origin: Origin) -> int | None:
    """Return the id of the incident that this key already made, if there is one."""
    same_key = Incident.objects.filter(created_by=origin.user_id, idempotency_key=new.idempotency_key)
    incident = same_key.first() if new.idempotency_key else None
    if incident is None:
        return None
    # A report without a time was given that of its own first event.
    created_at = new.created_at or incident.events.earliest("id").at
    if (incident.description, incident.source, incident.created_at) != (
        new.description,
        new.source,
        created_at,
    ):
        raise IdempotencyKeyReused
    return incident.pk


def change(
    incident_id: int,
    origin: Origin,
    *,
    status: Status | None = None,
    unless: frozenset[Status] = frozenset(),
    seen: Status | None = None,
    comment: str = "",
) -> None:
    """Set the status, if one is given and the present one is not among `unless`, and add the comment.

    `seen` is the status on which the caller decided. What changes nothing leaves no event. Raises
    `IncidentNotFound` and `StaleStatus`.
    """
    comment = comment if comment.strip() else ""
    with write_transaction():
        before = locked_status(incident_id)
        if seen is not None and before != seen:
            raise StaleStatus
        after = before if status is None or before in unless else status
        if after == before and not comment:
            return
        now = timezone.now()
        kind = Event.Kind.COMMENTED if after == before else Event.Kind.STATUS_CHANGED
        statements.update_status.rows(id=incident_id, status=after.value, updated_at=now)
        add_event(incident_id, origin, kind, now, before=before, after=after, comment=comment)


def locked_status(incident_id: int) -> Status:
    """Return an incident's status; until the transaction ends nobody else can change it."""
    rows = statements.lock_status.rows(id=incident_id) if 0 < incident_id <= MAX_ID else []
    if not rows:
        raise IncidentNotFound
    return Status(rows[0][0])


def add_event(
    incident_id: int,
    origin: Origin,
    kind: Event.Kind,
    at: datetime,
    *,
    after: Status,
    before: Status | None = None,
    comment: str = "",
) -> None:
    statements.insert_event.rows(
        incident=incident_id,
        kind=kind.value,
        at=at,
        by=origin.user_id,
        door=origin.door.value,
        status_from=before.value if before else "",
        status_to=after.value,
        comment=comment,
    )
