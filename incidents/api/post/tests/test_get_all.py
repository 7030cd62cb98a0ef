import json
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.signals import request_finished
from django.db import close_old_connections
from django.http import StreamingHttpResponse
from pytest_django import DjangoAssertNumQueries

from incidents.api.post import listing
from incidents.models import Incident, Source, Status
from incidents.severity import Severity
from incidents.stream_limit import MAX_WHOLE_LISTS
from testing.clients import Post, token_of
from users.models import User

PATH = "/incidents/get_all/"
STATUS = "Status must be one of: new, processing, completed, fake, unknown"
SEVERITY = "Severity must be one of: critical, error, warning, info"
SOURCE = "Source must be one of: operator, monitoring, partner, unknown"
ASSIGNEE = "Assignee is not known"
LIMIT = "Limit must be a whole number from 1 to 1000"
EPOCH = datetime(2025, 11, 11, 23, 8, 12, 266_000, UTC)
Report = Callable[..., Incident]
Items = list[dict[str, Any]]


def everything(post: Post, by: User, **fields: Any) -> Items:
    response = post(PATH, fields, by=by)
    assert list(response.data) == ["incidents"]
    incidents: Items = response.data["incidents"]
    return incidents


def walk(post: Post, by: User, limit: int, **fields: Any) -> Items:
    """Return the list as its pages of `limit` give it."""
    found: Items = []
    cursor: str | None = None
    while True:
        response = post(PATH, fields | {"limit": limit, "cursor": cursor}, by=by)
        assert list(response.data) == ["incidents", "next"]
        found += response.data["incidents"]
        cursor = response.data["next"]
        if cursor is None:
            return found
        assert len(response.data["incidents"]) == limit


def fill(count: int) -> None:
    """Store many rows at once, three at each timestamp."""
    statuses, sources = list(Status), list(Source)
    Incident.objects.bulk_create(
        Incident(
            description=f'№{number} "ё"\n',
            search_text="",
            status=statuses[number % len(statuses)],
            source=sources[number % len(sources)],
            created_at=EPOCH + timedelta(seconds=number // 3),
        )
        for number in range(count)
    )


@pytest.mark.parametrize("path", [PATH, PATH.rstrip("/")])
def test_it_lists_incidents_newest_first(post: Post, olga: User, incident: Report, path: str) -> None:
    first = incident("first", created_at=EPOCH)
    older = incident("older", created_at=EPOCH - timedelta(days=1), source=Source.SYSTEM)
    same = incident("same timestamp", created_at=EPOCH, status=Status.CLOSED)
    response = post(path, {}, by=olga)
    assert response.verdict == (200, "")
    nothing = {"severity": None, "assignee": None, "dedup_key": None, "repeats": 0, "last_seen_at": None}
    item = {"source": "operator", "created_at": "2025-11-11T23:08:12.266Z"} | nothing
    assert response.data == {
        "incidents": [
            item | {"id": same.pk, "incident": "same timestamp", "status": "completed"},
            item | {"id": first.pk, "incident": "first", "status": "new"},
            {
                "id": older.pk,
                "incident": "older",
                "status": "new",
                "source": "unknown",
                "created_at": "2025-11-10T23:08:12.266Z",
            }
            | nothing,
        ]
    }


@pytest.mark.parametrize(
    ("timestamp", "text"),
    [
        (datetime(2025, 11, 11, tzinfo=UTC), "2025-11-11T00:00:00.000Z"),
        (datetime(2025, 11, 11, 1, 2, 3, 4, UTC), "2025-11-11T01:02:03.000Z"),
        (datetime(1970, 1, 1, tzinfo=UTC), "1970-01-01T00:00:00.000Z"),
        (datetime(2200, 12, 31, 23, 59, 59, 999_999, UTC), "2200-12-31T23:59:59.999Z"),
    ],
)
def test_it_writes_timestamps_in_utc_to_the_millisecond(
    post: Post, olga: User, incident: Report, timestamp: datetime, text: str
) -> None:
    incident(created_at=timestamp)
    [item] = everything(post, olga)
    assert item["created_at"] == text


@pytest.mark.parametrize("fields", [{}, {"limit": 1}, {"status": "fake"}])
def test_an_empty_list_is_not_found(post: Post, olga: User, fields: dict[str, Any]) -> None:
    response = post(PATH, fields, by=olga)
    assert response.verdict == (404, "Incidents have not found")
    assert response.data == {"incidents": []}


def test_a_filter_that_finds_nothing_is_not_found(post: Post, olga: User, incident: Report) -> None:
    incident()
    response = post(PATH, {"status": "completed"}, by=olga)
    assert (response.verdict, response.data) == ((404, "Incidents have not found"), {"incidents": []})


def test_completed_finds_resolved_and_closed(post: Post, olga: User, incident: Report) -> None:
    made = {status: incident(status=status).pk for status in Status}
    found = [item["id"] for item in everything(post, olga, status="completed")]
    assert found == [made[Status.CLOSED], made[Status.RESOLVED]]


def test_a_null_field_is_an_absent_one(post: Post, olga: User, incident: Report) -> None:
    incident()
    filters = dict.fromkeys(["status", "severity", "source", "assignee"])
    assert len(everything(post, olga, limit=None, cursor=None, **filters)) == 1


@pytest.mark.parametrize("value", ["", "open", "resolved", "NEW", " new", 1, True, [], ["new"], {}])
def test_it_refuses_an_unknown_status(post: Post, olga: User, incident: Report, value: object) -> None:
    incident()
    response = post(PATH, {"status": value}, by=olga)
    assert (response.verdict, response.data) == ((400, STATUS), {})


@pytest.mark.parametrize("number", [0, -1, 1001, 10**30, 1.0, 1.5, True, False, "1", "", [], [1], {}])
def test_it_refuses_a_wrong_limit(post: Post, olga: User, incident: Report, number: object) -> None:
    incident()
    response = post(PATH, {"limit": number}, by=olga)
    assert (response.verdict, response.data) == ((400, LIMIT), {})


@pytest.mark.parametrize("text", ["", "x", "AAAA", 1, True, [], {}, "x" * 10_000])
def test_it_refuses_a_wrong_cursor(post: Post, olga: User, incident: Report, text: object) -> None:
    incident()
    response = post(PATH, {"limit": 1, "cursor": text}, by=olga)
    assert (response.verdict, response.data) == ((400, "Wrong cursor"), {})


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 20, 21, 1000])
@pytest.mark.parametrize("value", [None, "new", "completed", "fake"])
def test_the_pages_are_the_list(post: Post, olga: User, limit: int, value: str | None) -> None:
    fill(20)
    assert walk(post, olga, limit, status=value) == everything(post, olga, status=value)


def test_a_last_page_that_is_full_has_no_next(post: Post, olga: User) -> None:
    fill(4)
    first = post(PATH, {"limit": 2}, by=olga).data
    last = post(PATH, {"limit": 2, "cursor": first["next"]}, by=olga).data
    assert first["next"] is not None
    assert (len(last["incidents"]), last["next"]) == (2, None)


def test_pages_neither_repeat_nor_skip_whatever_is_created_meanwhile(
    post: Post, olga: User, incident: Report
) -> None:
    fill(10)
    before = [item["id"] for item in everything(post, olga)]
    seen: list[int] = []
    cursor = None
    while cursor or not seen:
        response = post(PATH, {"limit": 3, "cursor": cursor}, by=olga).data
        seen += [item["id"] for item in response["incidents"]]
        cursor = response["next"]
        incident("newer", created_at=EPOCH + timedelta(days=1))
        incident("older", created_at=EPOCH - timedelta(days=1))
        if len(seen) < 6:
            incident("of the oldest timestamp", created_at=EPOCH)
    assert [pk for pk in seen if pk in before] == before
    assert len(set(seen)) == len(seen)


def test_a_cursor_without_a_limit_gives_the_rest(post: Post, olga: User) -> None:
    fill(10)
    cursor = post(PATH, {"limit": 4}, by=olga).data["next"]
    assert everything(post, olga, cursor=cursor) == everything(post, olga)[4:]


def test_a_cursor_behind_the_last_incident_finds_nothing(post: Post, olga: User) -> None:
    fill(2)
    cursor = post(PATH, {"limit": 1}, by=olga).data["next"]
    Incident.objects.earliest("id").delete()
    response = post(PATH, {"limit": 1, "cursor": cursor}, by=olga)
    assert response.verdict == (404, "Incidents have not found")


@pytest.mark.parametrize("count", [999, 1000, 1001, 2000, 2500])
def test_the_whole_list_is_one_envelope_however_long_and_the_same_as_its_pages(
    post: Post, olga: User, count: int
) -> None:
    fill(count)
    items = everything(post, olga)
    assert len(items) == count
    assert items == walk(post, olga, 700)


@pytest.mark.parametrize("value", ["completed", "new"])
def test_a_long_list_of_one_status_is_whole(post: Post, olga: User, value: str) -> None:
    fill(1100)
    Incident.objects.filter(status__in=["open", "unknown"]).update(status="closed")
    Incident.objects.filter(status="cancelled").update(status="open")
    expected = Incident.objects.filter(status__in=["open"] if value == "new" else ["resolved", "closed"])
    found = [item["id"] for item in everything(post, olga, status=value)]
    assert found == list(expected.newest_first().values_list("id", flat=True))


def test_a_long_list_is_streamed_a_chunk_at_a_time(
    post: Post, olga: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    fill(2 * listing.CHUNK + 1)
    body = json.dumps({"token": token_of(olga)}).encode()
    response: Any = post.client.generic("POST", PATH, body)
    assert isinstance(response, StreamingHttpResponse)
    pieces: Any = iter(response)
    with django_assert_num_queries(0):
        read = next(pieces)
    for _chunk in range(2):
        with django_assert_num_queries(1):
            read += next(pieces)
    read += b"".join(pieces)
    content = json.loads(read)
    assert len(content["data"]["incidents"]) == 2 * listing.CHUNK + 1
    assert content | {"data": {}} == {"success": True, "error": "", "status": 200, "data": {}}


@pytest.mark.parametrize("more", [-1, 0, 1, listing.CHUNK - 1, listing.CHUNK, listing.CHUNK + 1])
def test_a_long_page_is_streamed_a_chunk_at_a_time(post: Post, olga: User, more: int) -> None:
    limit = listing.CHUNK + 1
    fill(limit + more)
    newest = list(Incident.objects.newest_first().values_list("id", flat=True))
    first = post(PATH, {"limit": limit}, by=olga).data
    assert [item["id"] for item in first["incidents"]] == newest[:limit]
    assert (first["next"] is None) == (more <= 0)
    assert [item["id"] for item in walk(post, olga, limit)] == newest


def close(response: Any) -> None:
    """Close it as the server does, but for the database connection."""
    request_finished.disconnect(close_old_connections)
    response.close()
    request_finished.connect(close_old_connections)


def test_a_user_has_at_most_four_whole_lists_under_way(post: Post, olga: User, vera: User) -> None:
    fill(2 * listing.CHUNK)
    body = json.dumps({"token": token_of(olga)}).encode()
    with ExitStack() as under_way:
        responses = [post.client.generic("POST", PATH, body) for _list in range(MAX_WHOLE_LISTS)]
        for response in responses:
            under_way.callback(close, response)
        refused = post(PATH, {}, by=olga)
        assert refused.verdict == (503, "Service is busy, try again")
        assert refused.headers["Retry-After"] == "1"
        assert post(PATH, {"limit": 1000}, by=olga).status == 200
        assert len(everything(post, vera)) == 2 * listing.CHUNK
    assert len(everything(post, olga)) == 2 * listing.CHUNK


def test_a_streamed_list_leaves_out_nothing_that_existed_when_it_began(
    post: Post, olga: User, incident: Report
) -> None:
    fill(1500)
    before = set(Incident.objects.values_list("id", flat=True))
    response: Any = post.client.generic("POST", PATH, json.dumps({"token": token_of(olga)}).encode())
    pieces = iter(response)
    read = next(pieces)
    newer, older = incident(created_at=EPOCH + timedelta(days=9)), incident(created_at=EPOCH)
    read += b"".join(pieces)
    found = [item["id"] for item in json.loads(read)["data"]["incidents"]]
    assert len(found) == len(set(found))
    assert set(found) == before | {older.pk}
    assert newer.pk not in found


@pytest.mark.parametrize("value", Severity)
def test_it_filters_by_severity(post: Post, olga: User, incident: Report, value: Severity) -> None:
    made = {severity: incident(severity=severity).pk for severity in [None, *Severity]}
    assert [item["id"] for item in everything(post, olga, severity=value)] == [made[value]]


def test_the_four_sources_partition_all_incidents(post: Post, olga: User, incident: Report) -> None:
    made = {source: incident(source=source).pk for source in Source}
    found = {
        value: [item["id"] for item in everything(post, olga, source=value)]
        for value in ("operator", "monitoring", "partner", "unknown")
    }
    assert found.pop("unknown") == [made[Source.UNKNOWN], made[Source.SYSTEM]]
    assert found == {value: [made[Source(value)]] for value in found}


def test_it_filters_by_assignee(post: Post, olga: User, admin: User, vera: User, incident: Report) -> None:
    made = [incident().pk for _number in range(3)]
    for pk, name in zip(made, ("olga", "admin"), strict=False):
        post("/incidents/update/", {"id": pk, "assignee": name}, by=olga)
    for name, number in [("olga", 0), ("admin", 1), ("none", 2)]:
        assert [item["id"] for item in everything(post, vera, assignee=name)] == [made[number]]
    assert [item["id"] for item in everything(post, admin, assignee="me")] == [made[1]]
    User.objects.filter(pk=admin.pk).update(is_active=False)
    assert [item["id"] for item in everything(post, olga, assignee="admin")] == [made[1]]
    assert post(PATH, {"assignee": "me"}, by=vera).status == 404


def test_the_pages_of_all_filters_together_are_the_list(post: Post, olga: User) -> None:
    fill(210)
    Incident.objects.update(assignee=olga, severity="error")
    filters = {"status": "completed", "source": "unknown", "severity": "error", "assignee": "olga"}
    found = everything(post, olga, **filters)
    assert (
        len(found)
        == Incident.objects.filter(
            status__in=["resolved", "closed"], source__in=["system", "unknown"]
        ).count()
    )
    assert walk(post, olga, 4, **filters) == found
    assert {item["assignee"] for item in found} == {"olga"}


@pytest.mark.parametrize(
    ("field", "error", "values"),
    [
        ("severity", SEVERITY, ["", "Error", "high", "none", 1, True, [], ["error"], {}]),
        ("source", SOURCE, ["", "system", "Operator", 1, True, [], ["operator"], {}]),
        ("assignee", ASSIGNEE, ["", "nobody", "Olga", "a\0b", "x" * 10_000, 1, True, [], {}]),
    ],
)
def test_it_refuses_an_unknown_value_of_a_filter(
    post: Post, olga: User, incident: Report, field: str, error: str, values: list[object]
) -> None:
    incident()
    for value in values:
        response = post(PATH, {field: value}, by=olga)
        assert (response.verdict, response.data) == ((400, error), {}), value


def test_it_checks_in_the_contracts_order(post: Post, olga: User, rita: User) -> None:
    wrong: dict[str, Any] = {"status": "x", "limit": 0, "cursor": ""}
    wrong |= {"severity": "x", "source": "x", "assignee": "x"}
    assert post(PATH, b"x", method="DELETE").verdict == (405, "POST required")
    assert post(PATH, b"x" * 300_000).verdict == (413, "Request body is too large")
    assert post(PATH, b"x").verdict == (400, "Invalid JSON")
    assert post(PATH, wrong).verdict == (400, "Token is required")
    assert post(PATH, wrong | {"token": "x"}).verdict == (401, "Invalid token")
    assert post(PATH, wrong, by=rita).verdict == (403, "Permission denied")
    for field, value, error in [
        ("status", "new", STATUS),
        ("limit", 1, LIMIT),
        ("cursor", None, "Wrong cursor"),
        ("severity", "error", SEVERITY),
        ("source", "operator", SOURCE),
        ("assignee", "olga", ASSIGNEE),
    ]:
        assert post(PATH, wrong, by=olga).verdict == (400, error)
        wrong[field] = value
    assert post(PATH, wrong, by=olga).verdict == (404, "Incidents have not found")
