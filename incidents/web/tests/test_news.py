from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError
from django.test import Client

from incidents.models import Incident
from incidents.web.change_token import ChangeTokenEndpoint
from testing.callers import new_client

Report = Callable[..., Incident]


def news() -> str:
    reply = new_client().get("/news")
    assert reply.status_code == 200
    return reply.text


def test_the_word_changes_with_each_event_and_only_then(db: None, incident: Report) -> None:
    words = [news(), news()]
    incident()
    words += [news(), news()]
    incident()
    words += [news(), news()]
    assert words[0::2] == words[1::2]
    assert len(set(words)) == 3


def test_it_tells_a_stranger_nothing(db: None, incident: Report) -> None:
    one = incident()
    word = news()
    assert len(word) == 16
    assert word != str(one.events.latest("id").pk)


def test_it_costs_one_query_and_no_session(
    incident: Report, django_assert_num_queries: Callable[..., object]
) -> None:
    incident()
    news()
    browser = new_client(headers={"Cookie": "sessionid=" + "x" * 32})
    with django_assert_num_queries(1):  # type: ignore[attr-defined]
        reply = browser.get("/news")
    assert not reply.cookies
    assert reply["Cache-Control"] == "no-store"
    assert int(reply["Content-Length"]) == len(reply.content)


def test_a_database_that_is_away_is_503(db: None) -> None:
    with patch("incidents.web.change_token.newest_event", side_effect=OperationalError("locked")):
        reply = new_client().get("/news")
    assert reply.status_code == 503
    assert reply["Retry-After"]


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_it_is_only_read(db: None, method: str) -> None:
    assert getattr(new_client(), method)("/news").status_code == 405


def test_it_is_answered_in_front_of_django(incident: Report) -> None:
    incident()
    started: list[Any] = []

    def start(*head: Any) -> Any:
        started.append(head)

    def ask(path: str, method: str) -> Any:
        environ = {"PATH_INFO": path, "REQUEST_METHOD": method}
        return ChangeTokenEndpoint(lambda *_args: [b"django"])(environ, start)

    assert b"".join(ask("/news", "GET")).decode() == news()
    [(status, headers)] = started
    assert status == "200 OK"
    assert ("Cache-Control", "no-store") in headers
    assert ask("/", "GET") == ask("/news", "POST") == [b"django"]


def test_a_page_carries_the_word_it_is_as_new_as(as_olga: Client, incident: Report) -> None:
    incident()
    assert f'data-news="{news()}"' in as_olga.get("/").text
