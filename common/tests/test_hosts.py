import json
import socket
from typing import Any

import pytest
from django.core.wsgi import get_wsgi_application
from django.test import RequestFactory
from pytest_django import Settings

from common.http import hosts
from incidents.web import change_token
from incidents.web.change_token import ChangeTokenEndpoint
from testing.clients import new_client

MACHINE = socket.gethostname().lower()


@pytest.mark.parametrize(
    "host",
    ["localhost", "a.localhost", MACHINE, "127.0.0.1", "192.0.2.7", "10.255.0.1", "[::1]", "[2001:db8::7]"],
)
def test_by_default_it_answers_under_this_machines_names_and_any_plain_address(host: str) -> None:
    assert hosts.is_listed(host, ())


@pytest.mark.parametrize(
    "host",
    [
        "",
        "*",
        "example.com",
        "localhost.evil.example",
        f"{MACHINE}.evil.example",
        "192.0.2.7.evil.example",
        "192.0.2",
        "192.0.2.256",
        "0x7f000001",
        "2130706433",
        "::g",
        "[::g]",
        "localhost:port",
    ],
)
def test_by_default_it_answers_under_no_other_name(host: str) -> None:
    assert not hosts.is_listed(host, ())


@pytest.mark.parametrize("port", ["", ":8000", ":65535"])
@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("192.0.2.7", 200),
        ("[2001:db8::7]", 200),
        ("LocalHost", 200),
        ("evil.example", 400),
    ],
)
def test_it_looks_at_the_host_whatever_the_port(
    db: None, settings: Settings, host: str, port: str, status: int
) -> None:
    settings.HOST_NAMES = []
    for path, otherwise in [
        ("/readyz", 200),
        ("/api/incidents/", 401),
        ("/users/logout/", 405),
        ("/static/web/page.css", 200),
    ]:
        reply = new_client().get(path, HTTP_HOST=host + port)
        reply.close()
        assert reply.status_code == (otherwise if status == 200 else status)


@pytest.mark.parametrize(
    ("host", "status"),
    [("incidents.example", 200), ("127.0.0.1", 200), ("192.0.2.7", 400), ("localhost", 400)],
)
def test_a_list_of_names_is_all_there_is(db: None, settings: Settings, host: str, status: int) -> None:
    settings.HOST_NAMES = ["incidents.example"]
    assert new_client().get("/readyz", HTTP_HOST=host).status_code == status


def refusal(path: str, headers: dict[str, str] | None = None) -> tuple[int, str, bytes]:
    reply = new_client().get(path, headers={"Host": "evil.example"} | (headers or {}))
    return reply.status_code, reply.headers["Content-Type"].partition(";")[0], reply.content


def test_an_unknown_name_is_refused_in_the_form_of_each_channel(db: None) -> None:
    status, kind, content = refusal("/incidents/get_all/")
    assert (status, kind, json.loads(content)["success"]) == (400, "application/json", False)
    for headers in ({}, {"Authorization": "Bearer x"}):
        status, kind, content = refusal("/api/incidents/", headers)
        assert (status, kind, list(json.loads(content))) == (400, "application/json", ["detail"])
    for path in ("/", "/readyz", "/static/web/page.css", "/news"):
        assert refusal(path)[:2] == (400, "text/html"), path


def test_the_change_token_is_told_under_known_names_only(transactional_db: None) -> None:
    def status(host: str | None) -> str:
        lines: list[str] = []
        environ = (
            RequestFactory(headers={"Host": host} if host else {})
            .get(f"/news?token={change_token.current()}")
            .environ
        )

        def start_response(line: str, _headers: Any) -> Any:
            lines.append(line)

        endpoint: Any = ChangeTokenEndpoint(get_wsgi_application())
        endpoint(environ, start_response)
        return lines[0]

    assert status("evil.example") == "400 Bad Request"
    assert status("localhost") == "204 No Content"
    assert status(None) == "204 No Content"


def test_files_are_not_offered_to_other_origins(db: None) -> None:
    reply = new_client().get("/static/web/page.css")
    reply.close()
    assert reply.status_code == 200
    assert "Access-Control-Allow-Origin" not in reply.headers


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),  # noqa: S104
        ("::1", "http://[::1]:8000"),
        ("::", "http://[::1]:8000"),
        ("2001:db8::7", "http://[2001:db8::7]:8000"),
        ("incidents.example.com", "http://incidents.example.com:8000"),
    ],
)
def test_the_url_on_this_machine_can_be_opened(host: str, url: str) -> None:
    assert hosts.url_on_this_machine(host, 8000) == url
