"""Whose post it is: the integration of a token."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from common.datetimes import aware
from common.db.compiled import Given, Statement, select
from incidents.models import Source
from incidents.severity import Severity
from integrations.models import ANY_OTHER, Grouping, Integration, Kind
from users.tokens import digest

# A proxy may add a token of its own; nobody has more reasons to send several.
MAX_CANDIDATES = 5

FIELDS = (
    "id",
    "kind",
    "name",
    "source",
    "user_id",
    "enabled",
    "grouping",
    "severities",
    "reopen_minutes",
    "stale_minutes",
    "stale_checked_at",
    "first_received_at",
    "last_received_at",
    "previous_valid_until",
)


def by_digest(column: str) -> Statement:
    return select(
        lambda: Integration.objects.filter(**{column: Given(column, Integration)}).values_list(*FIELDS)
    )


by_present_token, by_previous_token = by_digest("token_digest"), by_digest("previous_digest")


@dataclass(frozen=True, slots=True)
class Caller:
    """What a post needs to know of its integration; `severities` is for `inbound.context.Context`."""

    id: int
    kind: Kind
    name: str
    source: Source
    user_id: int
    enabled: bool
    group: bool
    severities: dict[str, Severity | None]
    reopen: timedelta
    stale_after: timedelta | None
    stale_checked_at: datetime
    first_received_at: datetime | None
    last_received_at: datetime | None

    @property
    def default_severity(self) -> Severity | None:
        return self.severities.get(ANY_OTHER)


def find_caller(tokens: Sequence[str]) -> Caller | None:
    """Return the integration of the first token that has one; an enabled one goes before a disabled one."""
    found = [caller for token in tokens[:MAX_CANDIDATES] if (caller := caller_of(token))]
    return next((caller for caller in found if caller.enabled), found[0] if found else None)


def caller_of(token: str) -> Caller | None:
    # What is compared is a digest: the time that it takes tells nothing about a token.
    key = digest(token)
    if rows := by_present_token.rows(token_digest=key):
        return made(rows[0])
    rows = by_previous_token.rows(previous_digest=key)
    if rows and (valid_until := rows[0][-1]) and aware(valid_until) > timezone.now():
        return made(rows[0])
    return None


def made(row: tuple[Any, ...]) -> Caller:
    fields = dict(zip(FIELDS, row, strict=True))
    severities = fields["severities"]
    table = json.loads(severities) if isinstance(severities, str) else severities
    stale = fields["stale_minutes"]
    return Caller(
        id=fields["id"],
        kind=Kind(fields["kind"]),
        name=fields["name"],
        source=Source(fields["source"]),
        user_id=fields["user_id"],
        enabled=bool(fields["enabled"]),
        group=fields["grouping"] == Grouping.GROUP,
        severities={name: Severity(value) if value else None for name, value in table.items()},
        reopen=timedelta(minutes=fields["reopen_minutes"]),
        stale_after=timedelta(minutes=stale) if stale else None,
        stale_checked_at=aware(fields["stale_checked_at"]),
        first_received_at=fields["first_received_at"] and aware(fields["first_received_at"]),
        last_received_at=fields["last_received_at"] and aware(fields["last_received_at"]),
    )
