from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from common import datetimes
from testing.clients import Post
from users import tokens
from users.models import Token, User

PATH = "/users/authorization/"
WRONG = (401, "Invalid credentials")


def credentials(user: User, password: str) -> dict[str, str]:
    return {"username": user.username, "password": password}


@pytest.mark.parametrize("path", [PATH, PATH.rstrip("/")])
def test_it_issues_a_token_that_works(post: Post, olga: User, password: str, path: str) -> None:
    response = post(path, credentials(olga, password))
    assert response.verdict == (200, "")
    assert list(response.data) == ["token", "expires_at"]
    assert tokens.user_of(response.data["token"]) == olga


def test_the_token_lives_an_hour(post: Post, olga: User, password: str) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    response = post(PATH, credentials(olga, password))
    expires_at = datetimes.parse(response.data["expires_at"])
    assert before <= expires_at - timedelta(hours=1) <= datetime.now(UTC)
    assert response.data["expires_at"] == datetimes.to_utc_text(Token.objects.get().expires_at)


def test_the_lifetime_is_a_setting(post: Post, olga: User, password: str, settings: Settings) -> None:
    settings.TOKEN_TTL = 60
    response = post(PATH, credentials(olga, password))
    left = datetimes.parse(response.data["expires_at"]) - datetime.now(UTC)
    assert timedelta(seconds=50) < left <= timedelta(seconds=60)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "olga"},
        {"password": "p"},
        {"username": None, "password": None},
        {"username": "", "password": ""},
        {"username": "olga", "password": ""},
        {"username": "olga", "password": "wrong"},
        {"username": "nobody", "password": "wrong"},
        {"username": ["olga"], "password": "wrong"},
        {"username": "olga", "password": {"": ""}},
        {"username": True, "password": 1},
        {"username": "o\0lga", "password": "wrong"},
        {"username": "olga", "password": "wr\0ng"},
        {"username": "o" * 10_000, "password": "wrong"},
        {"username": "olga", "password": "w" * 100_000},
        {"username": "olga ", "password": "wrong"},
    ],
)
def test_it_refuses_credentials_that_are_missing_not_text_or_wrong(
    post: Post, olga: User, body: dict[str, object]
) -> None:
    response = post(PATH, body)
    assert response.verdict == WRONG
    assert response.data == {}
    assert not Token.objects.exists()


def test_it_refuses_a_user_who_is_not_active(post: Post, olga: User, password: str) -> None:
    User.objects.update(is_active=False)
    assert post(PATH, credentials(olga, password)).verdict == WRONG


def test_it_refuses_a_user_without_a_password(post: Post, db: None) -> None:
    User.objects.create_user("machine")
    assert post(PATH, {"username": "machine", "password": ""}).verdict == WRONG
    assert post(PATH, {"username": "machine", "password": "!"}).verdict == WRONG


def test_it_needs_no_token_and_ignores_a_wrong_one(post: Post, olga: User, password: str) -> None:
    response = post(PATH, {"token": "inc_wrong"} | credentials(olga, password))
    assert response.status == 200


def test_it_ignores_unknown_fields(post: Post, olga: User, password: str) -> None:
    assert post(PATH, credentials(olga, password) | {"remember": True}).status == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE"])
def test_it_responses_post_alone(post: Post, db: None, method: str) -> None:
    response = post.client.generic(method, PATH, b"{}")
    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"


def test_it_reads_json_alone(post: Post, db: None) -> None:
    assert post(PATH, b"username=olga&password=p").verdict == (400, "Invalid JSON")


def test_it_sets_no_cookie(post: Post, olga: User, password: str) -> None:
    response = post(PATH, credentials(olga, password))
    assert "Set-Cookie" not in response.headers
    assert not post.client.cookies


def test_only_the_ten_newest_logins_live(post: Post, olga: User, password: str) -> None:
    issued = [post(PATH, credentials(olga, password)).data["token"] for _login in range(13)]
    alive = [secret for secret in issued if tokens.user_of(secret)]
    assert alive == issued[-10:]


def test_a_machines_token_does_not_count_as_a_login(post: Post, olga: User, password: str) -> None:
    machine = tokens.issue(olga, lifetime=timedelta(days=365), name="sensor")
    logins = [post(PATH, credentials(olga, password)).data["token"] for _login in range(11)]
    assert tokens.user_of(machine.secret) == olga
    assert [bool(tokens.user_of(secret)) for secret in logins] == [False] + [True] * 10


def test_it_prunes_the_tokens_that_have_expired(post: Post, olga: User, vera: User, password: str) -> None:
    tokens.issue(vera, lifetime=timedelta(seconds=-1))
    tokens.issue(vera, lifetime=timedelta(seconds=-1), name="old sensor")
    post(PATH, credentials(olga, password))
    assert Token.objects.get().user == olga


def test_a_wrong_password_asks_the_database_as_much_for_a_known_and_an_unknown_name(
    post: Post, olga: User
) -> None:
    with CaptureQueriesContext(connection) as known:
        post(PATH, credentials(olga, "wrong"))
    with CaptureQueriesContext(connection) as unknown:
        post(PATH, {"username": "nobody", "password": "wrong"})
    assert len(known) == len(unknown) > 0
