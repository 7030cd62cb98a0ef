from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from incidents.models import Incident, Source, Status
from incidents.severity import Severity
from incidents.validators import normalized_dedup_key
from testing.clients import Rest, new_client, token_of
from users.models import User

PATH = "/api/incidents/"
EPOCH = datetime(2025, 11, 9, 11, 37, 53, 454_525, UTC)
Report = Callable[..., Incident]


def found(rest: Rest, by: User | None, **query: Any) -> list[int]:
    reply = rest("GET", f"{PATH}?{urlencode(query)}", by=by)
    assert reply.status == 200, reply.data
    ids = [one["id"] for one in reply.data["results"]]
    assert reply.data["count"] == len(ids)
    return ids


@pytest.mark.parametrize("path", [PATH, PATH.rstrip("/")])
def test_it_lists_whole_incidents_newest_first(rest: Rest, vera: User, incident: Report, path: str) -> None:
    one = incident("Fire", created_at=EPOCH, source=Source.PARTNER, status=Status.FAKE)
    newer = incident(created_at=EPOCH + timedelta(seconds=1))
    reply = rest("GET", path, by=vera)
    assert reply.status == 200
    assert list(reply.data) == ["count", "next", "previous", "results"]
    assert (reply.data["count"], reply.data["next"], reply.data["previous"]) == (2, None, None)
    first, second = reply.data["results"]
    assert first["id"] == newer.pk
    assert second == {
        "id": one.pk,
        "description": "Fire",
        "status": "fake",
        "status_display": "False alarm",
        "source": "partner",
        "source_display": "Partner",
        "created_at": "2025-11-09T14:37:53.454525+03:00",
        "updated_at": second["updated_at"],
        "severity": None,
        "severity_display": None,
        "assignee": None,
        "dedup_key": None,
        "repeats": 0,
        "last_seen_at": None,
    }


def test_an_empty_list_is_a_page_too(rest: Rest, olga: User) -> None:
    reply = rest("GET", PATH, by=olga)
    assert (reply.status, reply.data) == (200, {"count": 0, "next": None, "previous": None, "results": []})


@pytest.mark.parametrize("status", Status)
def test_it_filters_by_status(rest: Rest, olga: User, incident: Report, status: Status) -> None:
    made = {value: incident(status=value).pk for value in Status}
    assert found(rest, olga, status=status.value) == [made[status]]


@pytest.mark.parametrize("source", Source)
def test_it_filters_by_source(rest: Rest, olga: User, incident: Report, source: Source) -> None:
    made = {value: incident(source=value).pk for value in Source}
    assert found(rest, olga, source=source.value) == [made[source]]


@pytest.mark.parametrize("severity", Severity)
def test_it_filters_by_severity(rest: Rest, olga: User, incident: Report, severity: Severity) -> None:
    made = {value: incident(severity=value).pk for value in [None, *Severity]}
    assert found(rest, olga, severity=severity.value) == [made[severity]]


def test_it_filters_by_assignee(rest: Rest, olga: User, admin: User, vera: User, incident: Report) -> None:
    made = [incident().pk for _number in range(3)]
    for pk, name in zip(made, ("olga", "admin"), strict=False):
        rest("PATCH", f"{PATH}{pk}/", {"assignee": name}, by=olga)
    for name, number in [("olga", 0), ("admin", 1), ("none", 2)]:
        assert found(rest, vera, assignee=name) == [made[number]]
    assert found(rest, admin, assignee="me") == [made[1]]
    assert found(rest, vera, assignee="me") == []
    assert found(rest, admin, assignee="me", status="closed") == []


def test_without_a_login_nobody_is_me(rest: Rest, db: None, settings: Settings) -> None:
    settings.REST_PUBLIC = True
    assert found(rest, None, assignee="none") == []
    reply = rest("GET", f"{PATH}?assignee=me")
    assert (reply.status, reply.data) == (400, {"assignee": ["Nobody has this name."]})


def test_a_stranger_cannot_tell_who_has_an_account(rest: Rest, olga: User, settings: Settings) -> None:
    settings.REST_PUBLIC = True
    assert found(rest, None, assignee="olga") == found(rest, None, assignee="nobody at all") == []
    assert rest("GET", f"{PATH}?assignee=nobody", by=olga).status == 400


def test_it_filters_by_dedup_key_whoever_reported_it_and_whatever_became_of_it(
    rest: Rest, olga: User, rita: User, incident: Report
) -> None:
    first = incident(dedup_key="k", status=Status.CLOSED).pk
    second = incident(dedup_key="k").pk
    incident(dedup_key="k ")
    third = rest("POST", PATH, {"description": "x", "source": "operator", "dedup_key": "k"}, by=rita).data
    assert found(rest, olga, dedup_key="k") == [third["id"], second, first]
    long = incident(dedup_key=normalized_dedup_key("ж" * 300)).pk
    assert found(rest, olga, dedup_key="ж" * 300) == [long]
    assert found(rest, olga, dedup_key="other") == []


def test_it_filters_by_all_at_once(rest: Rest, olga: User, incident: Report) -> None:
    one = incident("Самокат горит", status=Status.CLOSED, source=Source.PARTNER, created_at=EPOCH)
    incident("Самокат горит", source=Source.PARTNER, created_at=EPOCH)
    incident("Самокат горит", status=Status.CLOSED, created_at=EPOCH)
    incident("Велосипед", status=Status.CLOSED, source=Source.PARTNER, created_at=EPOCH)
    query = {"status": "closed", "source": "partner", "search": "самокат"}
    assert found(rest, olga, **query, created_after=EPOCH.isoformat()) == [one.pk]


@pytest.mark.parametrize(
    ("values", "finds"), [("самокат", 0), ("САМОКАТ НЕ", 0), ("ежик", 1), ("ЁЖ", 1), ("100%", 2)]
)
def test_it_searches_whatever_the_case_and_the_dots_of_e(
    rest: Rest, olga: User, incident: Report, values: str, finds: int
) -> None:
    made = [incident(text).pk for text in ("Самокат не в сети", "Ёжик на дороге", "Заряд 100%", "Заряд 1000")]
    assert found(rest, olga, search=values) == [made[finds]]


def test_it_filters_by_time_from_and_before(rest: Rest, olga: User, incident: Report) -> None:
    first, second, third = (incident(created_at=EPOCH + timedelta(seconds=n)).pk for n in range(3))
    middle = (EPOCH + timedelta(seconds=1)).isoformat()
    assert found(rest, olga, created_after=middle) == [third, second]
    assert found(rest, olga, created_before=middle) == [first]
    assert found(rest, olga, created_after="2025-11-09T14:37:55+03:00") == [third]
    assert found(rest, olga, created_after=middle, created_before=middle) == []


def test_an_empty_value_means_all(rest: Rest, olga: User, incident: Report) -> None:
    incident()
    names = ["status", "source", "search", "created_after", "created_before", "ordering"]
    query = dict.fromkeys([*names, "severity", "assignee", "dedup_key"], "")
    assert len(found(rest, olga, **query)) == 1


def test_a_search_has_at_most_200_characters(rest: Rest, olga: User, incident: Report) -> None:
    incident()
    assert found(rest, olga, search="x" * 200) == []
    reply = rest("GET", f"{PATH}?search={'x' * 201}", by=olga)
    assert (reply.status, list(reply.data)) == (400, ["search"])
    assert "at most 200 characters" in reply.data["search"][0]


def test_two_orderings_apply_one_after_the_other(rest: Rest, olga: User, incident: Report) -> None:
    made = [incident().pk for _number in range(3)]
    for pk, updated in zip(made, (2, 1, 3), strict=True):
        at = EPOCH + timedelta(seconds=updated)
        Incident.objects.filter(pk=pk).update(created_at=EPOCH, updated_at=at)
    assert found(rest, olga, ordering="created_at,-updated_at") == [made[2], made[0], made[1]]


def test_an_unknown_parameter_is_ignored(rest: Rest, olga: User, incident: Report) -> None:
    incident()
    assert len(found(rest, olga, colour="red")) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "new"),
        ("status", "Open"),
        ("status", "open,closed"),
        ("source", "x"),
        ("ordering", "id"),
        ("ordering", "description"),
        ("ordering", "-"),
        ("ordering", "created_at;"),
        ("created_after", "yesterday"),
        ("created_after", "2025-13-01T00:00:00Z"),
        ("created_before", "0001-01-01T00:00:00+14:00"),
        ("created_before", "9999-12-31T23:59:59-12:00"),
        ("search", "a\0b"),
        ("status", "open\0"),
        ("severity", "Error"),
        ("severity", "none"),
        ("assignee", "nobody"),
        ("assignee", "Olga"),
        ("assignee", "a\0b"),
        ("assignee", "\x1b"),
        ("dedup_key", " "),
        ("dedup_key", "a\0b"),
        ("dedup_key", "\x1b"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_filter(
    rest: Rest, olga: User, incident: Report, name: str, value: str
) -> None:
    incident()
    reply = rest("GET", f"{PATH}?{urlencode({name: value})}", by=olga)
    assert reply.status == 400
    assert list(reply.data) == [name]


@pytest.mark.parametrize("field", ["created_at", "updated_at"])
def test_it_orders_either_way_and_equal_timestamps_by_id(
    rest: Rest, olga: User, incident: Report, field: str
) -> None:
    made = [incident().pk for _number in range(6)]
    for number, pk in enumerate(made):
        Incident.objects.filter(pk=pk).update(**{field: EPOCH + timedelta(seconds=number // 2 % 2)})
    order = [made[n] for n in (0, 1, 4, 5, 2, 3)]
    assert found(rest, olga, ordering=field) == order
    assert found(rest, olga, ordering=f"-{field}") == order[::-1]
    assert found(rest, olga, ordering=f"-{field}", status="open") == order[::-1]
    if field == "created_at":
        assert found(rest, olga) == order[::-1]


@pytest.mark.parametrize("ordering", ["", "created_at", "-updated_at"])
def test_the_pages_are_the_list(rest: Rest, olga: User, incident: Report, ordering: str) -> None:
    made = {incident(created_at=EPOCH).pk for _number in range(45)}
    Incident.objects.update(updated_at=EPOCH)
    pages = []
    url: str | None = f"{PATH}?ordering={ordering}"
    while url:
        reply = rest("GET", url, by=olga)
        assert reply.data["count"] == 45
        pages.append([one["id"] for one in reply.data["results"]])
        url = reply.data["next"]
    assert [len(page) for page in pages] == [20, 20, 5]
    assert {pk for page in pages for pk in page} == made
    back = rest("GET", reply.data["previous"], by=olga)
    assert [one["id"] for one in back.data["results"]] == pages[1]


def test_a_pages_links_keep_the_filters(rest: Rest, olga: User, incident: Report) -> None:
    for _number in range(3):
        incident("Самокат", status=Status.FAKE)
        incident("Велосипед", status=Status.FAKE)
    query = urlencode({"status": "fake", "search": "самокат", "page_size": 2})
    first = rest("GET", f"{PATH}?{query}", by=olga)
    assert first.data["count"] == 3
    second = rest("GET", first.data["next"], by=olga)
    assert (len(second.data["results"]), second.data["next"]) == (1, None)


@pytest.mark.parametrize(
    ("size", "length"),
    [("1", 1), ("25", 25), ("1000", 30), ("1001", 30), ("0", 20), ("-1", 20), ("x", 20), ("", 20)],
)
def test_the_size_of_a_page_may_be_chosen(
    rest: Rest, olga: User, incident: Report, size: str, length: int
) -> None:
    for _number in range(30):
        incident()
    assert len(rest("GET", f"{PATH}?page_size={size}", by=olga).data["results"]) == length


def test_a_page_has_at_most_1000(rest: Rest, olga: User) -> None:
    Incident.objects.bulk_create(
        Incident(description="x", search_text="x", source="operator") for _number in range(1001)
    )
    for size in (1000, 5000, 10**30):
        reply = rest("GET", f"{PATH}?page_size={size}", by=olga)
        assert (len(reply.data["results"]), reply.data["count"]) == (1000, 1001)


@pytest.mark.parametrize("page", ["0", "-1", "3", "x", "1.5", "9" * 30])
def test_a_page_that_is_not_there_is_not_found(rest: Rest, olga: User, incident: Report, page: str) -> None:
    incident()
    reply = rest("GET", f"{PATH}?page={page}", by=olga)
    assert reply.status == 404
    assert list(reply.data) == ["detail"]


def test_a_page_is_three_queries_however_long(
    rest: Rest, olga: User, incident: Report, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _number in range(20):
        incident()
    bearer = {"Authorization": f"Bearer {token_of(olga)}"}
    rest("GET", PATH, headers=bearer)
    with django_assert_num_queries(3):  # the token, the count, the page
        assert len(rest("GET", PATH, headers=bearer).data["results"]) == 20


@pytest.mark.parametrize(("language", "values"), [("en", "Newest first"), ("ru", "Сначала новые")])
def test_the_orderings_are_named_in_the_readers_language(olga: User, language: str, values: str) -> None:
    browser = new_client(headers={"Accept": "text/html", "Accept-Language": language})
    browser.force_login(olga)
    assert values in browser.get(PATH).content.decode()
