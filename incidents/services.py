"""The writers of incidents, beside incidents.bulk: a call is one transaction, for the row and its event.

    created = services.create(NewIncident("Самокат не в сети", Source.OPERATOR), origin)
    row = services.change(created.id, origin, status=Status.RESOLVED, comment="Сел аккумулятор")

Both return what they wrote, so that nothing need be read afterwards: after the commit a failure would make a
client repeat what was done.

Errors:

    IncidentError
    ├── IncidentNotFound        there is no incident of this id
    ├── IdempotencyKeyReused    the key belongs to an incident with other content
    ├── StaleStatus             the status is no longer the one that the caller saw
    └── HistoryFull             the incident has as many events as one may have
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from common.datetimes import to_utc_microseconds
from incidents import statements
from incidents.keyset import MAX_ID
from incidents.models import Event, Incident, Source, Status, folded
from incidents.statements import IncidentRow


class IncidentError(Exception):
    """Why the domain does not carry a command out."""


class IncidentNotFound(IncidentError):
    pass


class IdempotencyKeyReused(IncidentError):
    pass


class StaleStatus(IncidentError):
    pass


class HistoryFull(IncidentError):
    pass


@dataclass(frozen=True, slots=True)
class Origin:
    """The acting user's id (None without a login) and the channel."""

    user_id: int | None
    channel: Event.Channel


@dataclass(frozen=True, slots=True)
class NewIncident:
    """A report, checked by its channel. `created_at` None means now."""

    description: str
    source: Source
    created_at: datetime | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Created:
    """The incident, and whether this call made it or an earlier one with the same key.

    `reported` is the incident as it was when it was reported.
    """

    incident: IncidentRow
    created: bool
    reported: IncidentRow

    @property
    def id(self) -> int:
        return self.incident.id


def create(new: NewIncident, origin: Origin) -> Created:
    """Store a new open incident, or find the one that this user's idempotency key already made.

    Raises `IdempotencyKeyReused`.
    """
    try:
        incident = insert(new, origin)
    except IntegrityError:
        earlier = find_by_idempotency_key(new, origin)
        if earlier is None:
            raise
        return earlier
    return Created(incident, created=True, reported=incident)


def insert(new: NewIncident, origin: Origin) -> IncidentRow:
    now = timezone.now()
    created_at = new.created_at or now
    search_text = folded(new.description)
    with transaction.atomic():
        [(pk,)] = statements.insert_incident.rows(
            description=new.description,
            search_text=search_text,
            status=Status.OPEN.value,
            source=new.source.value,
            created_at=created_at,
            updated_at=now,
            created_by=origin.user_id,
            idempotency_key=new.idempotency_key,
        )
        add_event(pk, origin, Event.Kind.CREATED, now, after=Status.OPEN)
    return IncidentRow(
        pk,
        new.description,
        Status.OPEN.value,
        new.source.value,
        to_utc_microseconds(created_at),
        to_utc_microseconds(now),
    )


def find_by_idempotency_key(new: NewIncident, origin: Origin) -> Created | None:
    """Return the incident that this key already made, if there is one."""
    same_key = Incident.objects.filter(created_by=origin.user_id, idempotency_key=new.idempotency_key)
    incident = same_key.first() if new.idempotency_key else None
    if incident is None:
        return None
    reported_at = incident.events.earliest("id").at
    # A report without a time was given that of its own first event.
    created_at = new.created_at or reported_at
    if (incident.description, incident.source, incident.created_at) != (
        new.description,
        new.source,
        created_at,
    ):
        raise IdempotencyKeyReused
    present = IncidentRow(
        incident.pk,
        incident.description,
        incident.status,
        incident.source,
        to_utc_microseconds(incident.created_at),
        to_utc_microseconds(incident.updated_at),
    )
    reported = present._replace(status=Status.OPEN.value, updated_at=to_utc_microseconds(reported_at))
    return Created(present, created=False, reported=reported)


def change(
    incident_id: int,
    origin: Origin,
    *,
    status: Status | None = None,
    keep_if_in: frozenset[Status] = frozenset(),
    expected_status: Status | None = None,
    comment: str = "",
) -> IncidentRow:
    """Set the status, if one is given and the present one is not in `keep_if_in`, and add the comment.

    `expected_status` is the one on which the caller decided. What changes nothing leaves no event. Returns
    the incident as it is now. Raises `IncidentNotFound`, `StaleStatus` and `HistoryFull`.
    """
    comment = comment if comment.strip() else ""
    with transaction.atomic():
        incident, history_is_full = locked(incident_id)
        before = Status(incident.status)
        if expected_status is not None and before != expected_status:
            raise StaleStatus
        after = before if status is None or before in keep_if_in else status
        if after == before and not comment:
            return incident
        if history_is_full:
            raise HistoryFull
        now = timezone.now()
        kind = Event.Kind.COMMENTED if after == before else Event.Kind.STATUS_CHANGED
        statements.update_status.rows(id=incident_id, status=after.value, updated_at=now)
        add_event(incident_id, origin, kind, now, before=before, after=after, comment=comment)
    return incident._replace(status=after.value, updated_at=to_utc_microseconds(now))


def locked(incident_id: int) -> tuple[IncidentRow, bool]:
    """Return an incident, and whether its history is full; until the transaction ends it cannot change."""
    rows = statements.lock_incident.rows(id=incident_id) if 0 < incident_id <= MAX_ID else []
    if not rows:
        raise IncidentNotFound
    *row, history_is_full = rows[0]
    return IncidentRow(*row), bool(history_is_full)


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
        channel=origin.channel.value,
        status_from=before.value if before else "",
        status_to=after.value,
        comment=comment,
    )
