"""A list is what the ORM finds, whichever way the rows of a query are read."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from incidents import services
from incidents.keyset import Position
from incidents.models import Event, Incident, Source, Status
from incidents.queries import OLDEST_FIRST, IncidentQuery, position_of
from incidents.services import Origin
from incidents.severity import Severity
from users.models import User

Report = Callable[..., Incident]
EPOCH = dt.datetime(2025, 11, 11, 23, 8, 12, tzinfo=dt.UTC)
OPEN = frozenset({Status.OPEN})
FINISHED = frozenset({Status.RESOLVED, Status.CLOSED, Status.FAKE})
PARTNER = frozenset({Source.PARTNER})
UNNAMED = frozenset({Source.SYSTEM, Source.UNKNOWN})


@pytest.fixture
def incidents(incident: Report, olga: User) -> list[Incident]:
    """Report incidents of all statuses and sources, some at the same time, one on the second."""
    times = [EPOCH, EPOCH, EPOCH + dt.timedelta(microseconds=1), EPOCH + dt.timedelta(milliseconds=266)]
    made = [
        incident(
            f"№{number} ё",
            severity=[None, *Severity][number % 4],
            dedup_key=f"key {number}" if number % 3 else None,
            status=list(Status)[number % 7],
            source=list(Source)[number % 5],
            created_at=times[number % 4] - dt.timedelta(days=number // 8),
        )
        for number in range(21)
    ]
    for one in made[::4]:
        services.change(one.pk, Origin(olga.pk, Event.Channel.POST), assignee=olga.pk)
    return list(Incident.objects.order_by("id"))


QUERIES = [
    IncidentQuery(),
    IncidentQuery(statuses=OPEN),
    IncidentQuery(sources=PARTNER),
    IncidentQuery(statuses=OPEN, sources=frozenset({Source.OPERATOR})),
    IncidentQuery(sources=UNNAMED),
    IncidentQuery(sources=UNNAMED, statuses=FINISHED),
    IncidentQuery(sources=frozenset()),
    IncidentQuery(statuses=FINISHED),
    IncidentQuery(statuses=FINISHED, sources=frozenset({Source.SYSTEM})),
    IncidentQuery(statuses=frozenset()),
    IncidentQuery(text="Ё"),
    IncidentQuery(text="1", statuses=OPEN),
    IncidentQuery(created_after=EPOCH),
    IncidentQuery(created_before=EPOCH, statuses=FINISHED),
    IncidentQuery(severity="error"),
    IncidentQuery(severity="critical", statuses=FINISHED),
    IncidentQuery(unassigned=True, statuses=OPEN),
    IncidentQuery(dedup_key="key 1"),
    IncidentQuery(ordering=OLDEST_FIRST),
    IncidentQuery(ordering=OLDEST_FIRST, statuses=FINISHED),
]
every_query = pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))


def chosen(query: IncidentQuery, incident: Incident) -> bool:
    """Say in plain Python what the query says to the database."""
    return (
        (query.statuses is None or incident.status in query.statuses)
        and query.severity in {None, incident.severity}
        and query.dedup_key in {None, incident.dedup_key}
        and query.assignee in {None, incident.assignee_id}
        and not (query.unassigned and incident.assignee_id)
        and (query.sources is None or incident.source in query.sources)
        and query.text.lower().replace("ё", "е") in incident.search_text
        and (query.created_after is None or incident.created_at >= query.created_after)
        and (query.created_before is None or incident.created_at < query.created_before)
    )


def expected(query: IncidentQuery) -> list[Incident]:
    every = sorted(Incident.objects.all(), key=lambda one: (one.created_at, one.pk))
    found = [one for one in every if chosen(query, one)]
    return found if query.ordering == OLDEST_FIRST else found[::-1]


def stored(incidents: list[Incident]) -> list[Any]:
    columns = ("pk", "description", "status", "source", "created_at", "updated_at")
    new = ("severity", "dedup_key", "repeats", "last_seen_at")
    return [
        (
            *(getattr(one, column) for column in columns),
            one.assignee and one.assignee.username,
            *(getattr(one, column) for column in new),
        )
        for one in incidents
    ]


def values(rows: list[Any]) -> list[Any]:
    return [
        (*row[:4], in_utc(row[4]), in_utc(row[5]), row[7], row[6], row[8], row[9], row[10]) for row in rows
    ]


def in_utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@every_query
def test_the_rows_of_a_walk_are_those_that_are_asked_for_in_order(
    incidents: list[Incident], query: IncidentQuery
) -> None:
    walked = [(*row[:4], *map(in_utc, row[4:])) for row in query.walk(1000)]
    assert walked == [row[:6] for row in stored(expected(query))]
    assert list(query.incidents()) == expected(query)


def test_the_incidents_of_an_assignee_are_found(incidents: list[Incident], olga: User) -> None:
    query = IncidentQuery(assignee=olga.pk, statuses=FINISHED)
    assert [row[0] for row in query.walk(1000)] == [one.pk for one in expected(query)] != []
    assert query.count() == len(expected(query))
    assert IncidentQuery(assignee=olga.pk + 1).walk(1000) == []


@every_query
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_the_steps_of_a_walk_neither_repeat_nor_skip(
    incidents: list[Incident], query: IncidentQuery, limit: int
) -> None:
    found: list[int] = []
    by_instances: list[int] = []
    after: Position | None = None
    while rows := query.walk(limit, after):
        by_instances += [one.pk for one in query.walk_incidents(Incident.objects.all(), limit, after)]
        found += [row[0] for row in rows]
        after = position_of(rows[-1])
    assert found == by_instances == [one.pk for one in expected(query)]


@every_query
@pytest.mark.parametrize("piece", [slice(0, 20), slice(2, 4), slice(3, 4), slice(90, 95)], ids=str)
def test_a_numbered_page_is_a_slice_of_the_list(
    incidents: list[Incident], query: IncidentQuery, piece: slice
) -> None:
    assert values(query[piece]) == stored(expected(query)[piece])


@every_query
def test_the_count_is_that_of_the_rows(incidents: list[Incident], query: IncidentQuery) -> None:
    assert query.count() == len(expected(query))


@pytest.mark.parametrize("query", QUERIES[:7], ids=range(7))
def test_what_the_database_counts_already_is_not_counted_again(
    incidents: list[Incident], query: IncidentQuery, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1) as queries:
        query.count()
    assert "incidents_incidentcount" in queries.captured_queries[0]["sql"]


@pytest.mark.parametrize("ordering", [("created_at",), ("-created_at",), ("updated_at",), ("-updated_at",)])
def test_equal_timestamps_are_ordered_by_id(incident: Report, ordering: tuple[str, ...]) -> None:
    made = [incident().pk for _number in range(4)]
    Incident.objects.update(created_at=EPOCH, updated_at=EPOCH)
    found = [row[0] for row in IncidentQuery(ordering=ordering)[0:10]]
    assert found == (made[::-1] if ordering[0].startswith("-") else made)


@pytest.mark.parametrize(
    "query",
    [
        IncidentQuery(),
        IncidentQuery(statuses=OPEN),
        IncidentQuery(sources=PARTNER),
        IncidentQuery(statuses=FINISHED),
        IncidentQuery(statuses=FINISHED, ordering=OLDEST_FIRST),
    ],
    ids=range(5),
)
@pytest.mark.parametrize("after", [None, Position(EPOCH, 7)])
def test_a_walk_follows_an_index_and_sorts_nothing(
    incidents: list[Incident], query: IncidentQuery, after: Position | None
) -> None:
    with CaptureQueriesContext(connection) as queries:
        query.walk(100, after)
    assert len(queries.captured_queries) == len(query.statuses or [None])
    for captured in queries.captured_queries:
        plan = plan_of(captured["sql"])
        # PostgreSQL chooses among the indexes by what it knows of the rows at that time.
        index = "incident_by_status" if query.statuses and connection.vendor == "sqlite" else "incident_by_"
        assert index in plan
        assert "TEMP B-TREE" not in plan
        assert "Sort" not in plan


def plan_of(sql: str) -> str:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        else:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
            cursor.execute(f"EXPLAIN {sql}")
        return repr(cursor.fetchall())
