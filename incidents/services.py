"""Creating and changing an incident: a call is one transaction, for the row and its event.

One of the three writers of incidents, beside `incidents.signal_service` and `incidents.bulk`.

    created = services.create(NewIncident("Самокат не в сети", Source.OPERATOR), origin)
    row = services.change(created.id, origin, status=Status.RESOLVED, comment="Сел аккумулятор")

Both return what they wrote, so that nothing need be read afterwards: after the commit a failure would make a
client repeat what was done.

Errors:

    IncidentError
    ├── IncidentNotFound        there is no incident of this id
    ├── IdempotencyKeyReused    the key belongs to an incident with other content
    ├── StaleStatus             the status is no longer the one that the caller saw
    ├── KeyIsActive             another unfinished incident has the key of the one to be opened again
    └── HistoryFull             the incident has as many events as one may have
"""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from common import metrics
from common.datetimes import to_utc_microseconds
from incidents import client_keys, event_writer, statements
from incidents.event_writer import Entry
from incidents.keyset import MAX_ID
from incidents.models import Episode, Event, Incident, Source, Status
from incidents.search_text import folded
from incidents.severity import Severity
from incidents.statements import IncidentRow
from incidents.transition import KEEP, Change, Keep, State
from users.models import User


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


class KeyIsActive(IncidentError):
    """`incident_id` is the other incident with the key."""

    def __init__(self, incident_id: int) -> None:
        super().__init__(f"incident {incident_id} has the same key and is not finished")
        self.incident_id = incident_id


# Whose "in progress" also says by whom.
ASSIGNING_CHANNELS = frozenset({Event.Channel.PAGE})
ATTEMPTS = 10  # that race each other for one key


@dataclass(frozen=True, slots=True)
class Origin:
    """The acting user's id (None without a login) and the channel."""

    user_id: int | None
    channel: Event.Channel


@dataclass(frozen=True, slots=True)
class NewIncident:
    """A report, checked by its channel. `created_at` None means now.

    `dedup_key` is the reporter's own name for what is wrong, as `validators.normalized_dedup_key` returns it.
    """

    description: str
    source: Source
    created_at: datetime | None = None
    idempotency_key: str | None = None
    severity: Severity | None = None
    dedup_key: str | None = None


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


class Locked(NamedTuple):
    """An incident that cannot change until the transaction ends."""

    row: IncidentRow
    assignee_id: int | None
    history_is_full: bool


def create(new: NewIncident, origin: Origin) -> Created:
    """Store a new open incident, or find the one that this user's key already made.

    An idempotency key finds what was made with it. A dedup key finds an unfinished incident, and counts a
    repeat. Raises `IdempotencyKeyReused`.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            incident = insert(new, origin)
        except IntegrityError:
            earlier = find_by_idempotency_key(new, origin) or repeat(new, origin)
            if earlier is not None:
                return earlier
            # With a dedup key: what had it has been finished just now.
            if new.dedup_key is None or attempt == ATTEMPTS:
                raise
        else:
            return Created(incident, created=True, reported=incident)
    raise AssertionError


def insert(new: NewIncident, origin: Origin) -> IncidentRow:
    now = timezone.now()
    created_at = new.created_at or now
    search_text = folded(new.description)
    severity = new.severity.value if new.severity else None
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
            severity=severity,
            dedup_key=new.dedup_key,
        )
        entry = Entry(Event.Kind.CREATED, "", Status.OPEN.value, severity=severity)
        event_writer.add(pk, entry, now, origin.user_id, origin.channel)
    times = to_utc_microseconds(created_at), to_utc_microseconds(now)
    reported = (pk, new.description, Status.OPEN.value, new.source.value, *times)
    return IncidentRow(*reported, severity, None, new.dedup_key, 0, None)


def find_by_idempotency_key(new: NewIncident, origin: Origin) -> Created | None:
    """Return the incident that this key already made, if there is one."""
    incident = client_keys.made_with(new.idempotency_key, origin.user_id)
    if incident is None:
        return None
    report = incident.events.earliest("id")
    stored = (incident.description, incident.source, incident.dedup_key, report.severity)
    # A report without a time was given that of its own first event.
    if stored != (new.description, new.source, new.dedup_key, new.severity) or (
        incident.created_at != (new.created_at or report.at)
    ):
        raise IdempotencyKeyReused
    return already_made(incident.pk)


def repeat(new: NewIncident, origin: Origin) -> Created | None:
    """Count a repeat of the unfinished incident that has this dedup key, if there is one."""
    pk = client_keys.unfinished(new.dedup_key, origin.user_id)
    if pk is None:
        return None
    Incident.objects.filter(pk=pk).update(repeats=F("repeats") + 1, last_seen_at=timezone.now())
    metrics.count_repeat(new.source.value)
    return already_made(pk)


def already_made(incident_id: int) -> Created:
    report = Event.objects.filter(incident=incident_id).earliest("id")
    present = IncidentRow(*Incident.objects.values_list(*statements.INCIDENT_COLUMNS).get(pk=incident_id))
    reported = present._replace(
        status=Status.OPEN.value,
        updated_at=to_utc_microseconds(report.at),
        severity=report.severity,
        assignee=None,
        repeats=0,
        last_seen_at=None,
    )
    return Created(present, created=False, reported=reported)


def change(  # noqa: PLR0913  # one for each field that may be changed
    incident: int | str,
    origin: Origin,
    *,
    status: Status | None = None,
    keep_if_in: frozenset[Status] = frozenset(),
    expected_status: Status | None = None,
    comment: str = "",
    severity: Severity | Keep | None = KEEP,
    assignee: int | Keep | None = KEEP,
    idempotency_key: str | None = None,
) -> IncidentRow:
    """Set the status, if one is given and the present one is not in `keep_if_in`, and all else that is given.

    `incident` is its id, or the dedup key under which this user reported it, while it is not finished.
    `expected_status` is the one on which the caller decided. `assignee` is the id of a user who may have it.
    What changes nothing leaves no event, and neither does what this user's `idempotency_key` already did.

    Returns the incident as it is now. Raises `IncidentNotFound`, `StaleStatus`, `KeyIsActive`, `HistoryFull`.
    """
    asked = Change(
        status,
        keep_if_in,
        comment if comment.strip() else "",
        severity,
        assignee,
        taken_by=origin.user_id if origin.channel in ASSIGNING_CHANNELS else None,
    )
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction.atomic():
                return change_once(incident, asked, expected_status, idempotency_key, origin)
        except IntegrityError:
            other = client_keys.in_the_way_of(incident) if isinstance(incident, int) else None
            if other is not None:
                raise KeyIsActive(other) from None
            # The other one may have been finished just now.
            if attempt == ATTEMPTS:
                raise
    raise AssertionError


def change_once(
    incident: int | str,
    asked: Change,
    expected_status: Status | None,
    idempotency_key: str | None,
    origin: Origin,
) -> IncidentRow:
    pk = incident if isinstance(incident, int) else id_by_key(incident, origin, idempotency_key)
    row, assignee_id, history_is_full = locked(pk)
    if idempotency_key and not client_keys.is_first_change(pk, idempotency_key, origin.user_id):
        return row
    if expected_status is not None and row.status != expected_status:
        raise StaleStatus
    before = State(row.status, row.severity, assignee_id)
    after = asked.of(before)
    entries = asked.entries(before, after)
    if not entries:
        return row
    if history_is_full:
        raise HistoryFull
    return write(row, before, after, entries, origin)


def write(row: IncidentRow, before: State, after: State, entries: list[Entry], origin: Origin) -> IncidentRow:
    now = timezone.now()
    statements.update_status.rows(id=row.id, status=after.status, updated_at=now)
    for entry in entries:
        event_writer.add(row.id, entry, now, origin.user_id, origin.channel)
    row = row._replace(status=after.status, updated_at=to_utc_microseconds(now))
    if after.status != before.status and row.dedup_key is not None:
        Episode.objects.filter(incident=row.id).update(ended_at=None, still_firing_at=None)
    if after[1:] == before[1:]:
        return row
    Incident.objects.filter(id=row.id).update(severity=after.severity, assignee=after.assignee)
    assignee = User.objects.get(pk=after.assignee).username if after.assignee else None
    return row._replace(severity=after.severity, assignee=assignee)


def id_by_key(dedup_key: str, origin: Origin, idempotency_key: str | None) -> int:
    changed = client_keys.changed_with(idempotency_key, dedup_key, origin.user_id)
    pk = changed or client_keys.unfinished(dedup_key, origin.user_id)
    if pk is None:
        raise IncidentNotFound
    return pk


def locked(incident_id: int) -> Locked:
    rows = statements.lock_incident.rows(id=incident_id) if 0 < incident_id <= MAX_ID else []
    if not rows:
        raise IncidentNotFound
    *row, assignee_id, history_is_full = rows[0]
    return Locked(IncidentRow(*row), assignee_id, bool(history_is_full))
