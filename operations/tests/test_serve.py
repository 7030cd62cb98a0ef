"""`manage.py serve` as a newcomer and an administrator meet it: a process of its own."""

import contextlib
import os
import re
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.conf import settings

from testing.service import Service, empty_database, served

SHOWN = re.compile(r"The superuser (\S+) was made. The password is shown this once:\n\n    (\S+)\n")


@pytest.fixture
def database_url() -> Iterator[str]:
    with empty_database() as url:
        yield url


def log_of(service: Service) -> str:
    return (service.folder / "log").read_text(encoding="utf-8")


def log_in(service: Service, username: str, password: str) -> int:
    return service.post("/users/authorization/", username=username, password=password).status


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_first_start_makes_everything_and_the_second_changes_nothing(
    tmp_path: Path, database_url: str
) -> None:
    data = tmp_path / "data"
    start = {"DATA_DIR": str(data), "DATABASE_URL": database_url, "SECRET_KEY": "", "WEB_CONCURRENCY": "1"}
    with served(**start, ADMIN_PASSWORD="", ADMIN_USERNAME="boss") as first:
        found = SHOWN.search(log_of(first))
        assert found
        assert found[1] == "boss"
        password = found[2]
        assert len(password) >= 16
        assert log_of(first).count(password) == 1
        assert "python3 client.py demo" in log_of(first)
        assert log_in(first, "boss", password) == 200
        assert mode(data) == 0o700
        assert {mode(path) for path in data.iterdir()} == {0o600}
        key = (data / "secret_key").read_bytes()
        if not database_url:
            with contextlib.closing(sqlite3.connect(data / "incidents.sqlite3")) as database:
                assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    with served(**start, ADMIN_PASSWORD="another password", ADMIN_USERNAME="chief") as second:
        assert "superuser" not in log_of(second)
        assert password not in log_of(second)
        assert log_in(second, "boss", password) == 200
        assert log_in(second, "chief", "another password") == 401
        assert log_in(second, "boss", "another password") == 401
        assert (data / "secret_key").read_bytes() == key


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 on this machine")
def test_a_service_on_every_ipv6_address_shows_a_url_that_can_be_opened() -> None:
    with served(HOST="::", ADMIN_PASSWORD="", WEB_CONCURRENCY="1") as service:
        assert f"http://[::1]:{service.port}/" in log_of(service)


def test_two_first_starts_at_once_both_serve_and_never_show_a_password_that_is_given(
    tmp_path: Path, database_url: str
) -> None:
    secret = tmp_path / "password"
    secret.write_text("the password of the file\n", encoding="utf-8")
    start = {
        "DATA_DIR": str(tmp_path / "data"),
        "DATABASE_URL": database_url,
        "SECRET_KEY": "",
        "WEB_CONCURRENCY": "",
        "ADMIN_PASSWORD": "",
        "ADMIN_PASSWORD_FILE": str(secret),
        "LOG_FORMAT": "json",
    }
    with ExitStack() as both, ThreadPoolExecutor(2) as threads:
        services = list(threads.map(lambda _one: both.enter_context(served(**start)), range(2)))
        credentials = {"username": "admin", "password": "the password of the file"}
        response = services[0].post("/users/authorization/", **credentials)
        token = response.json()["data"]["token"]
        assert services[1].post("/users/logout/", token=token).status == 200
        for service in services:
            assert "Traceback" not in log_of(service)
            assert credentials["password"] not in log_of(service)
            assert token not in log_of(service)


WRONG = {
    "PORT": "http",
    "WEB_CONCURRENCY": "0",
    "TIME_ZONE": "Mars/Olympus",
    "DATABASE_URL": "mysql://user@host/name",
    "ALLOWED_HOSTS": "*",
    "DATA_DIR": "/dev/null/data",
    "ADMIN_PASSWORD_FILE": "/nowhere/password",
}


def start_wrongly(setting: tuple[str, str]) -> subprocess.CompletedProcess[str]:
    name, value = setting
    return subprocess.run(
        [sys.executable, "manage.py", "serve"],
        env=os.environ | {"PORT": "8399", name: value},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_wrong_setting_stops_the_start_with_one_line_that_names_it() -> None:
    with ThreadPoolExecutor(2) as threads:
        for name, ended in zip(WRONG, threads.map(start_wrongly, WRONG.items()), strict=True):
            assert ended.returncode != 0, name
            assert ended.stdout == ""
            [line] = ended.stderr.splitlines()
            assert name in line


def test_a_database_that_cannot_be_used_stops_the_start_plainly(tmp_path: Path) -> None:
    (tmp_path / "incidents.sqlite3").write_text("this is no database, " * 1000)
    ended = subprocess.run(
        [sys.executable, "manage.py", "serve"],
        env=os.environ | {"PORT": "8399", "DATABASE_URL": "", "DATA_DIR": str(tmp_path)},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr
    assert ended.stderr.startswith("The database cannot be used: ")
