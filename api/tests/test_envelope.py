"""What the POST dialect responses when something is wrong with the request or with the service itself."""

import fcntl
import logging
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as running
from django.db import connection
from pytest_django import Settings

from incidents.models import Event, Incident
from testing.clients import Post, database_held, token_of
from users import tokens
from users.models import User

PATHS = [
    "/users/authorization/",
    "/users/logout/",
    "/incidents/create/",
    "/incidents/get_all/",
    "/incidents/update/",
]
FIRE = {"incident": "Fire", "source": "operator"}

every_path = pytest.mark.parametrize("path", [*PATHS, *(path.rstrip("/") for path in PATHS)])


@every_path
def test_it_responds_to_post_only(post: Post, path: str) -> None:
    for method in ("GET", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "BREW"):
        refused = post(path, b"{}", method=method)
        assert (refused.verdict, refused.data) == ((405, "POST required"), {})
        assert refused.headers["Allow"] == "POST"
    response = post.client.head(path)
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")


@every_path
def test_a_body_over_the_limit_is_refused_unread(post: Post, path: str) -> None:
    refused = post(path, b'{"a": "' + b"x" * 262_144 + b'"}')
    assert (refused.verdict, refused.data) == ((413, "Request body is too large"), {})


def test_a_body_of_just_the_limit_is_read(post: Post, olga: User, settings: Settings) -> None:
    settings.MAX_BODY_BYTES = settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2000
    body = f'{{"token": "{token_of(olga)}", "incident": "Fire", "source": "operator"}}'.encode()
    assert post("/incidents/create/", body.ljust(2001)).status == 413
    assert post("/incidents/create/", body.ljust(2000)).status == 201


NOT_ONE_OBJECT = [
    b"",
    b"token=x",
    b"[]",
    b"null",
    b'{"a": 1, "a": 1}',
    b"{} {}",
    b"\xef\xbb\xbf{}",
    b"[" * 5000,
]


@every_path
def test_a_body_that_is_not_one_json_object_is_refused(post: Post, path: str) -> None:
    for body in NOT_ONE_OBJECT:
        refused = post(path, body)
        assert (refused.verdict, refused.data) == ((400, "Invalid JSON"), {})


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml"],
)
def test_the_body_decides_not_its_declared_type(post: Post, olga: User, content_type: str) -> None:
    body = f'{{"token": "{token_of(olga)}", "incident": "Fire", "source": "operator"}}'
    response = post.client.generic("POST", "/incidents/create/", body, content_type=content_type)
    assert response.status_code == 201


@pytest.mark.parametrize("path", PATHS[1:])
def test_a_token_is_required(post: Post, db: None, path: str) -> None:
    for body in ({}, {"token": None}, {"token": ""}):
        refused = post(path, body)
        assert (refused.verdict, refused.data) == ((400, "Token is required"), {})


NO_LIVE_TOKENS = ["x", " ", "inc_" + "a" * 43, 0, 1, 1.5, True, False, [], ["x"], {}, {"a": 1}]


@pytest.mark.parametrize("path", PATHS[1:])
def test_what_is_no_live_token_is_refused_all_alike(post: Post, db: None, path: str) -> None:
    for token in NO_LIVE_TOKENS:
        refused = post(path, {"token": token})
        assert (refused.verdict, refused.data) == ((401, "Invalid token"), {})


@pytest.mark.parametrize(
    "path",
    ["/users/", "/users/x/", "/incidents/", "/incidents/7/", "/incidents/create/x", "/incidents//create/"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_path_below_its_prefixes_is_an_envelope_too(post: Post, path: str, method: str) -> None:
    refused = post(path, b"{}", method=method)
    assert (refused.verdict, refused.data) == ((404, "Not found"), {})


@every_path
def test_an_unlisted_host_is_an_envelope_too(post: Post, path: str) -> None:
    refused = post(path, b"{}", HTTP_HOST="evil.example")
    assert refused.verdict == (400, "Unknown host name, see ALLOWED_HOSTS")


def test_an_unexpected_exception_shows_nothing_and_is_logged_with_the_requests_id(
    post: Post, olga: User, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_args: object) -> None:
        raise RuntimeError("secret of the service")

    monkeypatch.setattr("incidents.api.post.fields.incident", explode)
    response = post("/incidents/create/", FIRE, by=olga, HTTP_X_REQUEST_ID="the-request")
    assert (response.verdict, response.data) == ((500, "Internal error"), {})
    assert response.headers["X-Request-ID"] == "the-request"
    [record] = [record for record in caplog.records if record.exc_info]
    assert record.levelno == logging.ERROR
    assert "secret of the service" in str(record.exc_info and record.exc_info[1])
    assert not Incident.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", PATHS)
def test_a_busy_database_is_said_to_be_busy_and_nothing_is_stored(
    post: Post, olga: User, password: str, path: str
) -> None:
    incident_id = post("/incidents/create/", FIRE, by=olga).data["id"]
    secret = token_of(olga)
    post("/incidents/get_all/", {"token": secret})
    body = FIRE | {"username": "olga", "password": password, "id": incident_id, "status": "fake"}
    if path != "/users/authorization/":
        body["token"] = secret
    table = "incidents_incident" if path.startswith("/incidents") else "users_loginattempts, users_token"
    with database_held(table):
        response = post(path, body)
        if connection.vendor == "sqlite" and path == "/incidents/get_all/":
            # Readers do not wait for a writer there; and fake incidents there are none.
            assert response.verdict == (404, "Incidents have not found")
            return
        assert (response.verdict, response.data) == ((503, "Service is busy, try again"), {})
        assert int(response.headers["Retry-After"]) >= 1
    assert Incident.objects.get().status == "open"
    assert Event.objects.count() == 1
    assert post(path, body).status < 300 or path == "/incidents/get_all/"


@pytest.mark.django_db(transaction=True)
def test_the_wait_for_a_busy_database_is_bounded() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA busy_timeout")
            assert 0 < cursor.fetchone()[0] <= 10_000
        else:
            cursor.execute("SELECT setting::int FROM pg_settings WHERE name = 'lock_timeout'")
            assert 0 < cursor.fetchone()[0] <= 10_000


@pytest.mark.django_db(transaction=True)
def test_a_note_of_a_tokens_use_is_not_worth_a_failure(post: Post, olga: User) -> None:
    post("/incidents/create/", FIRE, by=olga)
    secret = tokens.issue(olga, lifetime=timedelta(hours=1), name="sensor").secret
    with database_held("users_loginattempts"):
        assert post("/incidents/get_all/", {"token": secret}).status == 200


@pytest.mark.skipif(bool(running.DATABASE_URL), reason="SQLite alone has a write lock")
@pytest.mark.django_db(transaction=True)
def test_the_wait_for_the_write_lock_is_bounded(post: Post, olga: User, settings: Settings) -> None:
    settings.BUSY_SECONDS = 0.2
    secret = token_of(olga)
    with Path(connection.settings_dict["NAME"]).with_name(".write.lock").open("w") as file:
        # As a process does that was stopped while it wrote.
        fcntl.flock(file, fcntl.LOCK_EX)
        patience = threading.Timer(5, fcntl.flock, [file, fcntl.LOCK_UN])
        patience.start()
        response = post("/incidents/create/", FIRE | {"token": secret})
        patience.cancel()
        patience.join()
    assert response.verdict == (503, "Service is busy, try again")
    assert not Incident.objects.exists()
