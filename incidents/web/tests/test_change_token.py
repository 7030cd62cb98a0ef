from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError
from django.test import Client

from incidents.models import Incident
from incidents.web.change_token import ChangeTokenEndpoint
from testing.clients import new_client
from testing.reading import page

Report = Callable[..., Incident]


def test_the_token_changes_with_each_event_and_only_then(as_olga: Client, incident: Report) -> None:
    tokens = [page(as_olga, "/news"), page(as_olga, "/news")]
    incident()
    tokens += [page(as_olga, "/news"), page(as_olga, "/news")]
    incident()
    tokens += [page(as_olga, "/news"), page(as_olga, "/news")]
    assert tokens[0::2] == tokens[1::2]
    assert len(set(tokens)) == 3


def test_the_token_does_not_contain_the_event_id(as_olga: Client, incident: Report) -> None:
    one = incident()
    token = page(as_olga, "/news")
    assert len(token) == 16
    assert token != str(one.events.latest("id").pk)


def test_without_a_session_it_is_the_login_whatever_happens(db: None, incident: Report) -> None:
    stranger = new_client()
    before = stranger.get("/news")
    incident()
    after = stranger.get("/news")
    for response in (before, after):
        assert response.status_code == HTTPStatus.FOUND
        assert response["Location"] == "/login/?next=/news"
        assert not response.content


def test_a_reporter_learns_nothing_about_the_incidents_of_others(as_rita: Client, incident: Report) -> None:
    incident()
    assert as_rita.get("/news").status_code == HTTPStatus.FORBIDDEN


def test_it_answers_only_under_allowed_hosts(as_olga: Client, incident: Report) -> None:
    incident()
    assert as_olga.get("/news", headers={"Host": "evil.example"}).status_code == HTTPStatus.BAD_REQUEST


def test_it_costs_three_queries(
    as_olga: Client, incident: Report, django_assert_num_queries: Callable[..., object]
) -> None:
    incident()
    # Session, user, newest event
    with django_assert_num_queries(3):  # type: ignore[attr-defined]
        response = as_olga.get("/news")
    assert not response.cookies
    assert response["Cache-Control"] == "private, no-cache"


def test_the_current_token_is_confirmed_by_204(as_olga: Client, incident: Report) -> None:
    token = page(as_olga, "/news")
    assert page(as_olga, "/news", HTTPStatus.NO_CONTENT, token=token) == ""
    incident()
    assert page(as_olga, "/news", token=token) == page(as_olga, "/news") != token


def ask(query: str, *, host: str = "localhost", method: str = "GET", path: str = "/news") -> Any:
    """Send a request to the endpoint in front of an application that always responds with `django`."""
    started: Any = []

    def start_response(*head: Any) -> Any:
        started.append(head)

    environ = {"PATH_INFO": path, "REQUEST_METHOD": method, "QUERY_STRING": query, "HTTP_HOST": host}
    body = ChangeTokenEndpoint(lambda *_args: [b"django"])(environ, start_response)
    return b"".join(body) or started[0]


def test_in_front_of_django_only_the_current_token_is_confirmed(as_olga: Client, incident: Report) -> None:
    old = page(as_olga, "/news")
    assert ask(f"token={old}")[0] == "204 No Content"
    incident()
    token = page(as_olga, "/news")
    assert ask(f"token={token}")[0] == "204 No Content"
    # What a stranger can ask is Django's, before an event and after it.
    for query in ("", "token=", f"token={old}", "token=0000000000000000", f"x=1&token={token}"):
        assert ask(query) == b"django"
    assert ask(f"token={token}", method="POST") == b"django"
    assert ask(f"token={token}", path="/") == b"django"
    assert ask(f"token={token}", host="evil.example") == b"django"
    with patch("incidents.web.change_token.newest_event_id", side_effect=OperationalError("locked")):
        assert ask(f"token={token}") == b"django"


def test_a_database_that_is_away_is_503(as_olga: Client) -> None:
    as_olga.raise_request_exception = False
    with patch("incidents.web.change_token.newest_event_id", side_effect=OperationalError("locked")):
        response = as_olga.get("/news")
    assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert response["Retry-After"]


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_other_methods_are_405(as_olga: Client, method: str) -> None:
    assert getattr(as_olga, method)("/news").status_code == HTTPStatus.METHOD_NOT_ALLOWED


def test_a_page_has_the_token_of_its_newest_event(as_olga: Client, incident: Report) -> None:
    one = incident()
    token = page(as_olga, "/news")
    for path in ("/", f"/incident/{one.pk}/"):
        assert f'data-change-token="{token}"' in page(as_olga, path)


def test_an_open_page_of_version_1_0_is_loaded_anew(as_olga: Client, incident: Report) -> None:
    # It omits its cookies, takes any response as a new token, and reloads at 205.
    incident()
    login = new_client().get("/news", follow=True)
    assert login.status_code == HTTPStatus.OK
    assert login.text != page(as_olga, "/news")
    page(as_olga, "/changes/", HTTPStatus.RESET_CONTENT, event=1)
