"""One incident as a file has it, checked by the rules of the other doors.

Raises `Broken`, whose text tells the administrator what is wrong with the record.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

from django.core.exceptions import ValidationError

from common import datetimes
from incidents.bulk import ImportedEvent, ImportedIncident
from incidents.models import COMMENT_LENGTH, DESCRIPTION_LENGTH, KEY_LENGTH, Event, Source, Status
from incidents.transfer.users import People, UnknownUser
from incidents.validators import has_forbidden_characters, is_idempotency_key

Fields = Mapping[str, Any]

# In the order in which files have them.
PLAIN_FIELDS = (
    "id",
    "description",
    "status",
    "source",
    "created_at",
    "updated_at",
    "created_by",
    "idempotency_key",
)
FIELDS = frozenset({*PLAIN_FIELDS, "events"})
EVENT_FIELDS = frozenset(ImportedEvent._fields)
# Beyond it JSON's usual readers lose digits, and one such id would use up all below it.
MAX_TRANSFERRED_ID = 2**53 - 1
STATUSES = frozenset(Status.values)
SOURCES = frozenset(Source.values)
KINDS = frozenset(Event.Kind.values)
DOORS = frozenset(Event.Door.values)
# The moments of one record are often one.
parsed = lru_cache(maxsize=64)(datetimes.parse)


class Broken(ValueError):
    """What is wrong with a record."""


def read(fields: Fields, number: int, people: People) -> ImportedIncident:
    """Check the record on line `number` of its file."""
    if not fields.keys() <= FIELDS:
        raise Broken(f"unknown field: {', '.join(sorted(fields.keys() - FIELDS))}")
    description = text(fields, "description", DESCRIPTION_LENGTH)
    if not description.strip():
        raise Broken("description is required")
    pk = incident_id(fields)
    created_at = moment(fields, "created_at")
    return ImportedIncident(
        description=description,
        source=word(fields, "source", SOURCES),
        status=word(fields, "status", STATUSES, default=Status.OPEN.value),
        created_at=created_at,
        updated_at=moment(fields, "updated_at"),
        created_by=user(fields, "created_by", people),
        id=pk,
        key=idempotency_key(fields),
        # Two reports that say the same are two: where they have no ids, their lines tell them apart.
        spare_key=digest(f"id {pk}" if pk else f"line {number}", created_at, description),
        events=history(fields, people),
    )


def digest(place: str, created_at: datetime | None, description: str) -> str:
    return "import-" + sha256(f"{place}\n{created_at}\n{description}".encode()).hexdigest()[:32]


def text(fields: Fields, name: str, longest: int) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Broken(f"{name} must be text")
    if len(value) > longest:
        raise Broken(f"{name} is too long, use at most {longest} characters")
    if has_forbidden_characters(value):
        raise Broken(f"{name} has forbidden characters")
    return value


def word(fields: Fields, name: str, words: frozenset[str], default: str | None = None) -> str:
    value = fields.get(name)
    if value is None:
        value = default
    if not isinstance(value, str) or value not in words:
        raise Broken(f"{name} must be one of: {', '.join(sorted(words))}")
    return value


def moment(fields: Fields, name: str) -> datetime | None:
    value = fields.get(name)
    if value is None:
        return None
    try:
        return parsed(value)
    except (TypeError, ValueError):
        raise Broken(
            f"{name} must be a moment such as 2025-11-11T23:08:12.266Z, years 1970 to 2200"
        ) from None


def incident_id(fields: Fields) -> int | None:
    value = fields.get("id")
    if value is None:
        return None
    if type(value) is not int or not 1 <= value <= MAX_TRANSFERRED_ID:
        raise Broken(f"id must be a whole number from 1 to {MAX_TRANSFERRED_ID}")
    return value


def idempotency_key(fields: Fields) -> str | None:
    value = fields.get("idempotency_key")
    if value is None:
        return None
    if not isinstance(value, str) or not is_idempotency_key(value):
        raise Broken(f"idempotency_key must be 1 to {KEY_LENGTH} visible ASCII characters")
    return value


def user(fields: Fields, name: str, people: People) -> int | None:
    value = fields.get(name)
    if value is not None and (not isinstance(value, str) or has_forbidden_characters(value)):
        raise Broken(f"{name} must be a user's name")
    try:
        return people[value]
    except UnknownUser:
        raise Broken(f"{name}: there is no user {value!r} here; --make-users would make one") from None
    except ValidationError as error:
        raise Broken(f"{name}: {' '.join(error.messages)}") from None


def history(fields: Fields, people: People) -> tuple[ImportedEvent, ...]:
    events = fields.get("events")
    if events is None:
        return ()
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise Broken("events must be a list of objects")
    return tuple(past_event(event, people) for event in events)


def past_event(fields: Fields, people: People) -> ImportedEvent:
    if not fields.keys() <= EVENT_FIELDS:
        raise Broken(f"unknown field of an event: {', '.join(sorted(fields.keys() - EVENT_FIELDS))}")
    at = moment(fields, "at")
    if at is None:
        raise Broken("at is required of an event")
    event = ImportedEvent(
        kind=word(fields, "kind", KINDS),
        at=at,
        by=user(fields, "by", people),
        door=word(fields, "door", DOORS),
        status_from=word(fields, "status_from", STATUSES) if fields.get("status_from") else "",
        status_to=word(fields, "status_to", STATUSES),
        comment=text(fields, "comment", COMMENT_LENGTH),
    )
    if event.kind != Event.Kind.STATUS_CHANGED and event.status_from not in {"", event.status_to}:
        raise Broken("an event that is no status_changed changes the status")
    return event
