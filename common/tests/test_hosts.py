import socket

import pytest
from django.http.request import validate_host
from pytest_django import Settings

from common.http import hosts
from testing.callers import new_client

MACHINE = socket.gethostname().lower()


@pytest.mark.parametrize(
    "host",
    ["localhost", "a.localhost", MACHINE, "127.0.0.1", "192.0.2.7", "10.255.0.1", "[::1]", "[2001:db8::7]"],
)
def test_by_default_it_answers_under_this_machines_names_and_any_plain_address(host: str) -> None:
    assert validate_host(host, hosts.this_machine())


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
        "any plain ip address",
        "::g",
    ],
)
def test_by_default_it_answers_under_no_other_name(host: str) -> None:
    assert not validate_host(host, hosts.this_machine())


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
    settings.ALLOWED_HOSTS = hosts.this_machine()
    for path, otherwise in [("/readyz", 200), ("/api/incidents/", 401), ("/users/logout/", 405)]:
        reply = new_client().get(path, HTTP_HOST=host + port)
        assert reply.status_code == (otherwise if status == 200 else status)


@pytest.mark.parametrize(
    ("host", "status"), [("incidents.example", 200), ("192.0.2.7", 400), ("localhost", 400)]
)
def test_a_list_of_names_is_all_there_is(db: None, settings: Settings, host: str, status: int) -> None:
    settings.ALLOWED_HOSTS = ["incidents.example"]
    assert new_client().get("/readyz", HTTP_HOST=host).status_code == status


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
