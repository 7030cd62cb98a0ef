import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import django
import pytest
from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from common.http import health, version
from testing.served import free_port


@pytest.fixture(autouse=True)
def nothing_is_remembered() -> None:
    health.readiness = health.Readiness()
    version.database.cache_clear()


def get(path: str) -> tuple[int, Any]:
    reply = Client().get(path)
    assert reply.headers["Content-Type"] == "application/json"
    return reply.status_code, reply.json()


def test_healthz_tells_that_it_lives_and_on_what(db: None) -> None:
    get("/readyz")
    status, content = get("/healthz")
    assert status == 200
    assert content["status"] == "ok"
    assert (content["python"], content["django"]) == (platform.python_version(), django.get_version())
    assert content["app"] == version.app()
    assert content["database"].startswith({"sqlite": "SQLite 3."}.get(connection.vendor, "PostgreSQL "))


def test_healthz_asks_no_database_and_reads_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    version.app()
    monkeypatch.setattr(version, "CHANGELOG", Path("/nowhere"))
    assert get("/healthz")[1]["database"].startswith(("SQLite", "PostgreSQL"))  # without the fixture `db`


def test_readyz_is_looked_for_once_a_second(
    db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    get("/readyz")
    with django_assert_num_queries(0):
        get("/readyz")
    health.readiness.good_until = 0
    with CaptureQueriesContext(connection) as queries:
        get("/readyz")
    assert 1 <= len(queries) <= 3


def test_readyz_tells_that_it_can_serve(db: None) -> None:
    assert get("/readyz") == (200, {"status": "ok"})


def test_readyz_misses_a_migration(db: None) -> None:
    MigrationRecorder.Migration.objects.filter(app="incidents").latest("id").delete()
    assert get("/readyz") == (503, {"status": "migrations are missing"})


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_supervisor_needs_no_login_and_gets_no_cookie(db: None, path: str) -> None:
    reply = Client().get(path)
    assert reply.status_code == 200
    assert not reply.cookies


ASK_WITHOUT_A_DATABASE = """
import json, threading, django
django.setup()
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries
answers = {}
def ask(name, method, path, body="", **headers):
    client = Client(raise_request_exception=False, headers={"Host": "localhost", **headers})
    reply = client.generic(method, path, body, content_type="application/json")
    answers[name] = [reply.status_code, reply.headers.get("Retry-After"), reply.content.decode()]
token = "inc_" + "a" * 43
threads = [threading.Thread(target=ask, args=args, kwargs=headers) for args, headers in [
    (("healthz", "GET", "/healthz"), {}),
    (("readyz", "GET", "/readyz"), {}),
    (("post", "POST", "/incidents/get_all/", json.dumps({"token": token})), {}),
    (("rest", "GET", "/api/incidents/"), {"Authorization": f"Bearer {token}"}),
]]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(json.dumps(answers))
"""


def test_without_a_database_it_lives_and_says_that_it_cannot_serve() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ASK_WITHOUT_A_DATABASE],
        env=os.environ | {"DATABASE_URL": f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    answers = json.loads(done.stdout.splitlines()[-1])
    assert answers["readyz"][0] == 503
    assert json.loads(answers["readyz"][2]) == {"status": "database does not answer"}
    status, retry_after, content = answers["post"]
    assert (status, json.loads(content)["error"]) == (503, "Service is busy, try again")
    assert int(retry_after) >= 1
    status, retry_after, content = answers["rest"]
    assert (status, list(json.loads(content))) == (503, ["detail"])
    assert int(retry_after) >= 1
    assert answers["healthz"][0] == 200
    assert json.loads(answers["healthz"][2])["status"] == "ok"
