"""Long pages and histories: the same content as short ones, made in parts as the client takes it."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import StreamingHttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from api.rest.pagination import MAX_BROWSABLE_PAGE_SIZE
from incidents.api.rest.views import PART
from incidents.models import Event, Incident, Status
from testing.clients import Rest, new_client
from users.models import User

PATH = "/api/incidents/"
Report = Callable[..., Incident]
RUSSIAN = {"Accept-Language": "ru"}


@pytest.fixture
def incidents(incident: Report) -> list[int]:
    """Report so many that a page of 1,000 is made in three parts; return their ids, newest first."""
    return [incident(f"Fire {number}").pk for number in range(2 * PART + 1)][::-1]


@pytest.mark.parametrize("ordering", ["-created_at", "created_at", "updated_at", "-updated_at"])
@pytest.mark.parametrize("headers", [{}, RUSSIAN])
def test_a_long_page_has_what_short_ones_have(
    rest: Rest, olga: User, incidents: list[int], ordering: str, headers: dict[str, str]
) -> None:
    def results(size: int, page: int) -> Any:
        query = urlencode({"page_size": size, "page": page, "ordering": ordering})
        return rest("GET", f"{PATH}?{query}", by=olga, headers=headers).data

    long = results(2 * PART, 1)
    assert list(long) == ["count", "next", "previous", "results"]
    assert long["count"] == len(incidents)
    assert "page=2" in long["next"]
    assert long["results"] == results(PART, 1)["results"] + results(PART, 2)["results"]
    last = results(2 * PART, 2)
    assert last["results"] == results(PART, 3)["results"]
    assert last["next"] is None


def test_a_long_page_may_be_filtered(rest: Rest, olga: User, incidents: list[int]) -> None:
    Incident.objects.filter(pk__in=incidents[::2]).update(status=Status.CLOSED)
    reply = rest("GET", f"{PATH}?status=closed&page_size=1000&search=fire", by=olga)
    assert [one["id"] for one in reply.data["results"]] == incidents[::2]
    assert rest("GET", f"{PATH}?status=fake&page_size=1000", by=olga).data["results"] == []
    assert rest("GET", f"{PATH}?page_size=1000&page=2", by=olga).status == 404
    assert rest("GET", f"{PATH}?page_size=1000&status=nothing", by=olga).status == 400


def test_a_long_page_is_read_in_parts(
    olga: User, incidents: list[int], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = new_client()
    client.force_login(olga)
    response: Any = client.get(f"{PATH}?page_size=1000")
    assert isinstance(response, StreamingHttpResponse)
    assert response["Cache-Control"] == "private, no-store"
    assert response["Content-Type"] == "application/json"
    pieces = iter(response)
    content = b""
    for _part in range(3):
        with django_assert_num_queries(1):
            content += next(pieces)
    content += b"".join(pieces)
    assert [one["id"] for one in json.loads(content)["results"]] == incidents


def test_a_page_for_browsers_has_at_most_a_hundred(olga: User, incidents: list[int]) -> None:
    assert MAX_BROWSABLE_PAGE_SIZE == PART == 100
    browser = new_client(headers={"Accept": "text/html"})
    browser.force_login(olga)
    assert browser.get(f"{PATH}?page_size=1000").text.count("&quot;status_display&quot;") == 100


def comments(incident: Incident, count: int) -> list[str]:
    texts = [f"Comment {number}" for number in range(count)]
    Event.objects.bulk_create(
        Event(
            incident=incident,
            kind=Event.Kind.COMMENTED,
            at=timezone.now(),
            channel=Event.Channel.REST,
            status_to=incident.status,
            comment=text,
        )
        for text in texts
    )
    return texts


@pytest.mark.parametrize("count", [1, PART - 1, PART, 2 * PART, 2 * PART + 1])
def test_a_long_history_is_whole(rest: Rest, olga: User, incident: Report, count: int) -> None:
    one = incident()
    first = one.events.count()
    texts = comments(one, count)
    reply = rest("GET", f"{PATH}{one.pk}/history/", by=olga, headers=RUSSIAN)
    assert reply.status == 200
    assert [event["comment"] for event in reply.data[first:]] == texts
    assert {event["status_to_display"] for event in reply.data} == {"Открыт"}


def test_a_browser_is_shown_the_newest_events_of_a_long_history(olga: User, incident: Report) -> None:
    one = incident()
    texts = comments(one, PART + 5)
    browser: Client = new_client(headers={"Accept": "text/html"})
    browser.force_login(olga)
    page = browser.get(f"{PATH}{one.pk}/history/").text
    assert texts[-1] in page
    assert "Comment 4&quot;" not in page
    assert page.index("Comment 5&quot;") < page.index(texts[-1])
