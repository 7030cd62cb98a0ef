"""A record of a file, validated by the rules of the other channels.

Raises `InvalidRecord` with the reason for the administrator.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

from django.core.exceptions import ValidationError

from common import datetimes
from incidents.bulk import ImportedEpisode, ImportedEvent, ImportedIncident
from incidents.models import Event, Source, Status
from incidents.severity import Severity
from incidents.signals import MAX_LINK_LENGTH
from incidents.transfer.users import UnknownUser, UserResolver
from incidents.validators import (
    MAX_COMMENT_LENGTH,
    MAX_DEDUP_KEY_LENGTH,
    MAX_DESCRIPTION_LENGTH,
    MAX_KEY_LENGTH,
    TextProblem,
    has_forbidden_characters,
    is_idempotency_key,
    normalized_dedup_key,
    text_problem,
)

Fields = Mapping[str, Any]

# In the order of the columns.
PLAIN_FIELDS = (
    "id",
    "description",
    "status",
    "source",
    "created_at",
    "updated_at",
    "created_by",
    "idempotency_key",
    "severity",
    "assignee",
    "dedup_key",
    "repeats",
    "last_seen_at",
)
FIELDS = frozenset({*PLAIN_FIELDS, "episode", "events"})
EVENT_FIELDS = frozenset({*ImportedEvent._fields, "door"} - {"channel"})
EPISODE_FIELDS = frozenset(ImportedEpisode._fields)
# Larger numbers lose digits in JavaScript, and one such id would use up all below it.
MAX_TRANSFERRED_ID = 2**53 - 1
MAX_COUNT = 2**31 - 1
STATUSES = frozenset(Status.values)
SOURCES = frozenset(Source.values)
SEVERITIES = frozenset(Severity.values)
CHANGES_OF_STATUS = (Event.Kind.STATUS_CHANGED.value, Event.Kind.REOPENED.value)
KINDS = frozenset(Event.Kind.values)
CHANNELS = frozenset(Event.Channel.values)
TEXT_ERRORS = {
    TextProblem.BLANK: "is required",
    TextProblem.TOO_LONG: "is too long, use at most {} characters",
    TextProblem.FORBIDDEN_CHARACTERS: "has forbidden characters",
}
# The times of one record are often equal.
parse_datetime = lru_cache(maxsize=64)(datetimes.parse)


class InvalidRecord(ValueError):
    """The reason why a record is invalid."""


def read(fields: Fields, number: int, users: UserResolver) -> ImportedIncident:
    """Validate the record on line `number` of its file."""
    if not fields.keys() <= FIELDS:
        raise InvalidRecord(f"unknown field: {', '.join(map(printable, sorted(fields.keys() - FIELDS)))}")
    description = text(fields, "description", MAX_DESCRIPTION_LENGTH, may_be_blank=False)
    pk = incident_id(fields)
    created_at = timestamp(fields, "created_at")
    return ImportedIncident(
        description=description,
        source=choice(fields, "source", SOURCES),
        status=choice(fields, "status", STATUSES, default=Status.OPEN.value),
        created_at=created_at,
        updated_at=timestamp(fields, "updated_at"),
        created_by=user(fields, "created_by", users),
        id=pk,
        key=idempotency_key(fields),
        # Two equal reports are two incidents: without ids their line numbers distinguish them.
        spare_key=digest(f"id {pk}" if pk else f"line {number}", created_at, description),
        events=history(fields, users),
        severity=severity(fields),
        dedup_key=dedup_key(fields),
        assignee=user(fields, "assignee", users),
        repeats=count(fields, "repeats"),
        last_seen_at=timestamp(fields, "last_seen_at"),
        episode=episode(fields),
    )


def digest(position: str, created_at: datetime | None, description: str) -> str:
    return "import-" + sha256(f"{position}\n{created_at}\n{description}".encode()).hexdigest()[:32]


def text(fields: Fields, name: str, max_length: int, *, may_be_blank: bool = True) -> str:
    value = fields.get(name)
    if value is None:
        value = ""
    if not isinstance(value, str):
        raise InvalidRecord(f"{name} must be text")
    problem = text_problem(value, max_length, may_be_blank=may_be_blank)
    if problem:
        raise InvalidRecord(f"{name} {TEXT_ERRORS[problem].format(max_length)}")
    return value


def choice(fields: Fields, name: str, choices: frozenset[str], default: str | None = None) -> str:
    value = fields.get(name)
    if value is None:
        value = default
    if not isinstance(value, str) or value not in choices:
        raise InvalidRecord(f"{name} must be one of: {', '.join(sorted(choices))}")
    return value


def timestamp(fields: Fields, name: str) -> datetime | None:
    value = fields.get(name)
    if value is None:
        return None
    try:
        return parse_datetime(value)
    except (TypeError, ValueError):
        raise InvalidRecord(
            f"{name} must be a timestamp such as 2025-11-11T23:08:12.266Z, years 1970 to 2200"
        ) from None


def incident_id(fields: Fields) -> int | None:
    value = fields.get("id")
    if value is None:
        return None
    if type(value) is not int or not 1 <= value <= MAX_TRANSFERRED_ID:
        raise InvalidRecord(f"id must be a whole number from 1 to {MAX_TRANSFERRED_ID}")
    return value


def idempotency_key(fields: Fields) -> str | None:
    value = fields.get("idempotency_key")
    if value is None:
        return None
    if not isinstance(value, str) or not is_idempotency_key(value):
        raise InvalidRecord(f"idempotency_key must be 1 to {MAX_KEY_LENGTH} visible ASCII characters")
    return value


def severity(fields: Fields) -> str | None:
    return None if fields.get("severity") is None else choice(fields, "severity", SEVERITIES)


def dedup_key(fields: Fields) -> str | None:
    value = fields.get("dedup_key")
    if value is not None and (not isinstance(value, str) or normalized_dedup_key(value) != value):
        raise InvalidRecord(f"dedup_key must be text of 1 to {MAX_DEDUP_KEY_LENGTH} characters")
    return value


def count(fields: Fields, name: str) -> int:
    value = fields.get(name)
    if value is None:
        return 0
    if type(value) is not int or not 0 <= value <= MAX_COUNT:
        raise InvalidRecord(f"{name} must be a whole number from 0 to {MAX_COUNT}")
    return value


def user(fields: Fields, name: str, users: UserResolver) -> int | None:
    value = fields.get(name)
    if value is not None and (not isinstance(value, str) or has_forbidden_characters(value)):
        raise InvalidRecord(f"{name} must be a user's name")
    try:
        return users[value]
    except UnknownUser:
        raise InvalidRecord(f"{name}: there is no user {value!r} here; --make-users would make one") from None
    except ValidationError as error:
        raise InvalidRecord(f"{name}: {' '.join(error.messages)}") from None


def history(fields: Fields, users: UserResolver) -> tuple[ImportedEvent, ...]:
    events = fields.get("events")
    if events is None:
        return ()
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise InvalidRecord("events must be a list of objects")
    return tuple(event_record(event, users) for event in events)


def printable(name: str) -> str:
    """Escape control characters: a file's text must not control the terminal."""
    return repr(name)[1:-1]


def event_record(fields: Fields, users: UserResolver) -> ImportedEvent:
    if not fields.keys() <= EVENT_FIELDS:
        raise InvalidRecord(
            f"unknown field of an event: {', '.join(map(printable, sorted(fields.keys() - EVENT_FIELDS)))}"
        )
    at = timestamp(fields, "at")
    if at is None:
        raise InvalidRecord("at is required of an event")
    event = ImportedEvent(
        kind=choice(fields, "kind", KINDS),
        at=at,
        by=user(fields, "by", users),
        channel=choice(fields, "door", CHANNELS),
        status_from=choice(fields, "status_from", STATUSES) if fields.get("status_from") else "",
        status_to=choice(fields, "status_to", STATUSES),
        comment=text(fields, "comment", MAX_COMMENT_LENGTH),
        severity=severity(fields),
        assignee=user(fields, "assignee", users),
    )
    if event.kind not in CHANGES_OF_STATUS and event.status_from not in {"", event.status_to}:
        raise InvalidRecord(f"an event that is no {' or '.join(CHANGES_OF_STATUS)} changes the status")
    return event


def episode(fields: Fields) -> ImportedEpisode | None:
    value = fields.get("episode")
    if value is None:
        return None
    if not isinstance(value, dict) or not value.keys() <= EPISODE_FIELDS:
        raise InvalidRecord(f"episode must be an object of {', '.join(ImportedEpisode._fields)}")
    return ImportedEpisode(
        starts_at=timestamp(value, "starts_at"),
        ended_at=timestamp(value, "ended_at"),
        severity=severity(value),
        latest_text=text(value, "latest_text", MAX_DESCRIPTION_LENGTH),
        link=text(value, "link", MAX_LINK_LENGTH),
        reopened=count(value, "reopened"),
        still_firing_at=timestamp(value, "still_firing_at"),
    )
