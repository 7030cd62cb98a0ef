import functools
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from django.test.utils import CaptureQueriesContext

from common import datetimes
from incidents import statements
from incidents.models import Event, Incident, Source, Status
from incidents.statements import Columns
from users import tokens
from users.models import Token, User

Report = Callable[..., Incident]
EPOCH = datetime(2025, 11, 11, 23, 8, 12, tzinfo=UTC)


def sql_of(run: Callable[[], object]) -> str:
    """Return the one statement that `run` makes, with its values, without brackets.

    The ORM puts a value that is an expression into brackets of its own.
    """
    with CaptureQueriesContext(connection) as queries:
        run()
    [query] = queries.captured_queries
    return re.sub("[()]", "", query["sql"])


@pytest.fixture
def incidents(incident: Report) -> list[Incident]:
    """Report incidents of all statuses, some at the same timestamp, one on the second and one long ago."""
    timestamps = [EPOCH, EPOCH, EPOCH + timedelta(microseconds=1), EPOCH + timedelta(milliseconds=266)]
    return [
        incident(
            f"№{number} ё", status=status, created_at=timestamps[number % 4] - timedelta(days=number // 4)
        )
        for number, status in enumerate([*Status, *Status])
    ]


def orms_own(
    fields: dict[str, str], behind: Incident | None, limit: int, columns: Columns
) -> QuerySet[Incident, Any]:
    rows = Incident.objects.newest_first().filter(**fields)
    if behind:
        rows = rows.older_than(behind.created_at, behind.pk)
    return rows.values_list(*statements.COLUMNS[columns])[1 : limit + 1]


CHOSEN: list[dict[str, str]] = [
    {},
    *({"status": status.value} for status in Status),
    {"source": "operator"},
    {"status": "open", "source": "operator"},
]


@pytest.mark.parametrize("fields", CHOSEN)
@pytest.mark.parametrize("number", [None, 0, 3])
@pytest.mark.parametrize("columns", statements.COLUMNS)
def test_the_list_is_the_orms_own(
    incidents: list[Incident], fields: dict[str, str], number: int | None, columns: Columns
) -> None:
    behind = None if number is None else incidents[number]
    statement = statements.newest_incidents(frozenset(fields), behind=behind is not None, columns=columns)
    values: dict[str, Any] = {**fields, "offset": 1}
    if behind:
        values |= {"created_at": behind.created_at, "id": behind.pk}
    for limit in (1, 3, 1000):
        query = orms_own(fields, behind, limit, columns)
        values["limit"] = limit
        assert statement.rows(**values) == list(query.all())
        ours = sql_of(functools.partial(statement.rows, **values))
        assert ours == sql_of(functools.partial(list, query.all()))


def test_the_timestamp_of_a_row_is_in_utc_to_the_microsecond(incidents: list[Incident]) -> None:
    rows = statements.newest_incidents(frozenset(), behind=False).rows(limit=1000, offset=0)
    assert {row[0]: row[4] for row in rows} == {
        one.pk: one.created_at.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
        for one in incidents
    }


def test_the_lock_is_the_orms_own(incidents: list[Incident]) -> None:
    one = incidents[5]
    full = Exists(Event.objects.filter(incident=OuterRef("id")).order_by()[9_999:])
    query = Incident.objects.select_for_update().filter(id=one.pk)
    query_values = query.values_list(*statements.LOCKED_COLUMNS, "assignee", full)
    [row] = statements.lock_incident.rows(id=one.pk)
    assert [row] == list(query_values)
    assert (row[0], row[2], bool(row[-1])) == (one.pk, one.status, False)
    ours = sql_of(lambda: statements.lock_incident.rows(id=one.pk))
    assert ours == sql_of(lambda: list(query_values.all()))


def test_the_update_is_the_orms_own(incidents: list[Incident]) -> None:
    one = incidents[1]
    rows = Incident.objects.filter(id=one.pk)
    ours = sql_of(lambda: statements.update_status.rows(id=one.pk, status="fake", updated_at=EPOCH))
    assert set(rows.values_list("status", "updated_at")) == {("fake", EPOCH)}
    assert ours == sql_of(lambda: rows.update(status="fake", updated_at=EPOCH))
    assert Incident.objects.filter(status="fake").count() == 3


def test_the_insertion_of_an_incident_stores_what_the_orm_stores(olga: User) -> None:
    values: dict[str, Any] = {
        "description": "Ёлка 'горит' %s 😀",
        "search_text": "елка 'горит' %s 😀",
        "status": Status.OPEN.value,
        "source": Source.PARTNER.value,
        "created_at": EPOCH,
        "updated_at": EPOCH + timedelta(microseconds=1),
        "idempotency_key": "key",
        "severity": "error",
        "dedup_key": "db1/disk",
    }
    past = {"assignee": olga.pk, "repeats": 7, "last_seen_at": EPOCH}
    for statement, more in [
        (statements.insert_incident, {}),
        (statements.insert_past_incident, past),
        (statements.insert_past_incident_with_id, {**past, "id": 10**9}),
    ]:
        statement.rows(**values, **more, created_by=olga.pk)
        newest = Incident.objects.filter(pk=Incident.objects.latest("id").pk)
        ours = newest.values().get()
        newest.delete()
        as_object = {**more, "assignee": olga if more else None, "id": ours["id"]}
        Incident.objects.create(**values, **as_object, created_by=olga)
        assert ours == newest.values().get()
        newest.delete()


def test_the_insertion_of_an_event_stores_what_the_orm_stores(olga: User, incident: Report) -> None:
    one = incident()
    values: dict[str, Any] = {
        "kind": "status_changed",
        "at": EPOCH,
        "channel": "rest",
        "status_from": "open",
        "status_to": "closed",
        "comment": "%s 'why'",
    }
    new: dict[str, Any] = {"severity": "error", "assignee": olga.pk}
    for statement, more in [(statements.insert_event, {}), (statements.insert_event_with_values, new)]:
        statement.rows(**values, **more, incident=one.pk, by=olga.pk)
        ours = one.events.order_by("-id").values()[0]
        as_object = {**more, "assignee": olga if more else None}
        Event.objects.create(**values, **as_object, incident=one, by=olga)
        orms = one.events.order_by("-id").values()[0]
        assert {**ours, "id": None} == {**orms, "id": None}


def test_the_statement_of_a_token_is_the_orms_own(olga: User) -> None:
    tokens.issue(olga, lifetime=timedelta(hours=1))
    digest = Token.objects.get().digest
    fields = [
        "expires_at",
        "fingerprint",
        "name",
        "last_used_at",
        *(f"user__{field}" for field in tokens.USER_FIELDS),
    ]
    query = Token.objects.filter(digest=digest, user__is_active=True).values_list(*fields)
    [ours] = tokens.live.rows(digest=digest)
    [orms] = query
    assert [datetimes.aware(ours[0]), *ours[1:]] == list(orms)
    assert sql_of(lambda: tokens.live.rows(digest=digest)) == sql_of(lambda: list(query.all()))


def test_the_fields_of_a_tokens_user_are_in_the_models_order() -> None:
    names = [field.name for field in User._meta.concrete_fields]
    assert [name for name in names if name in tokens.USER_FIELDS] == list(tokens.USER_FIELDS)
