"""Who may call REST, and how it fails when something is wrong with more than the fields."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from incidents.models import Event, Incident
from testing.clients import Post, Rest, database_held, new_client, token_of
from users import tokens
from users.models import User

PATH = "/api/incidents/"
FIRE = {"description": "Fire", "source": "operator"}
Report = Callable[..., Incident]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/incidents/"),
        ("POST", "/api/incidents/"),
        ("GET", "/api/incidents/{}/"),
        ("PUT", "/api/incidents/{}/"),
        ("PATCH", "/api/incidents/{}/"),
        ("DELETE", "/api/incidents/{}/"),
        ("GET", "/api/incidents/{}/history/"),
        ("GET", "/api/incidents/999999/"),
        ("OPTIONS", "/api/incidents/"),
    ],
)
def test_without_a_login_it_says_how_to_get_a_token(
    rest: Rest, incident: Report, method: str, path: str
) -> None:
    reply = rest(method, path.format(incident().pk), FIRE | {"status": "closed"})
    assert reply.status == 401
    assert reply.headers["WWW-Authenticate"] == "Bearer"
    assert list(reply.data) == ["detail"]
    assert "/users/authorization/" in reply.data["detail"]
    assert Event.objects.count() == 1


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer ", "Bearer x", "Bearer inc_" + "a" * 43, "bearer x y", "Bearer \xff", "Bearer Ð¶"],
)
def test_a_wrong_token_is_refused(rest: Rest, db: None, header: str) -> None:
    reply = rest("GET", PATH, headers={"Authorization": header})
    assert reply.status == 401
    assert reply.headers["WWW-Authenticate"] == "Bearer"
    assert list(reply.data) == ["detail"]


def test_the_scheme_is_read_whatever_its_case(rest: Rest, olga: User) -> None:
    assert rest("GET", PATH, headers={"Authorization": f"bEARER  {token_of(olga)}"}).status == 200


def test_the_tokens_are_those_of_the_post_dialect(post: Post, rest: Rest, olga: User, password: str) -> None:
    secret = post("/users/authorization/", {"username": "olga", "password": password}).data["token"]
    bearer = {"Authorization": f"Bearer {secret}"}
    assert rest("GET", PATH, headers=bearer).status == 200
    post("/users/logout/", {"token": secret})
    assert rest("GET", PATH, headers=bearer).status == 401


def test_basic_credentials_let_nobody_in(rest: Rest, olga: User) -> None:
    assert rest("GET", PATH, headers={"Authorization": "Basic b2xnYTpwYXNzd29yZA=="}).status == 401


@pytest.fixture
def olgas_browser(olga: User) -> Client:
    browser = new_client(enforce_csrf_checks=True, headers={"Accept-Language": "en"})
    browser.force_login(olga)
    return browser


def test_a_browser_session_may_call(olgas_browser: Client) -> None:
    reply = olgas_browser.get(PATH, headers={"Accept": "application/json"})
    assert (reply.status_code, reply.json()["count"]) == (200, 0)


def test_a_browser_session_needs_the_csrf_token_to_write(olgas_browser: Client) -> None:
    refused = olgas_browser.post(PATH, FIRE, content_type="application/json")
    assert refused.status_code == 403
    assert "CSRF" in refused.json()["detail"]
    assert not Incident.objects.exists()
    page: Any = olgas_browser.get(PATH, headers={"Accept": "text/html"})
    csrf = olgas_browser.cookies["csrftoken"].value
    assert csrf in page.text or "csrf" in page.text
    reply = olgas_browser.post(PATH, FIRE, content_type="application/json", headers={"X-CSRFToken": csrf})
    assert reply.status_code == 201
    assert Event.objects.get().by == User.objects.get(username="olga")


def test_a_token_needs_no_csrf_token(olga: User) -> None:
    browser = new_client(enforce_csrf_checks=True)
    bearer = {"Authorization": f"Bearer {token_of(olga)}"}
    assert browser.post(PATH, FIRE, content_type="application/json", headers=bearer).status_code == 201


# ------------------------------------------------------------------ roles

MAY: dict[str, set[str]] = {
    "olga": {"create", "list", "update"},
    "rita": {"create"},
    "vera": {"list"},
    "admin": {"create", "list", "update"},
}


@pytest.mark.parametrize("name", MAY)
def test_each_role_may_do_what_the_contract_says_and_no_more(
    post: Post, rest: Rest, incident: Report, request: pytest.FixtureRequest, name: str
) -> None:
    user: User = request.getfixturevalue(name)
    pk = incident().pk
    one = f"{PATH}{pk}/"
    calls: list[tuple[str, int]] = [
        ("create", post("/incidents/create/", {"incident": "x", "source": "operator"}, by=user).status),
        ("create", rest("POST", PATH, FIRE, by=user).status),
        ("list", post("/incidents/get_all/", {}, by=user).status),
        ("list", rest("GET", PATH, by=user).status),
        ("list", rest("GET", one, by=user).status),
        ("list", rest("GET", f"{one}history/", by=user).status),
        ("update", post("/incidents/update/", {"id": pk, "status": "fake"}, by=user).status),
        ("update", rest("PUT", one, {"status": "closed"}, by=user).status),
        ("update", rest("PATCH", one, {"status": "closed"}, by=user).status),
    ]
    assert [status < 300 for _action, status in calls] == [action in MAY[name] for action, _status in calls]
    assert {status for action, status in calls if action not in MAY[name]} <= {403}


def test_what_the_role_does_not_allow_is_drfs_own_403(rest: Rest, rita: User) -> None:
    reply = rest("GET", PATH, by=rita)
    assert (reply.status, reply.data) == (403, {"detail": "Your role does not allow this."})


def test_a_changed_role_counts_from_the_next_call_on(rest: Rest, olga: User) -> None:
    bearer = {"Authorization": f"Bearer {token_of(olga)}"}
    assert rest("POST", PATH, FIRE, headers=bearer).status == 201
    User.objects.update(role="viewer")
    assert rest("POST", PATH, FIRE, headers=bearer).status == 403


def test_a_superuser_is_an_operator_whatever_the_role(rest: Rest, admin: User) -> None:
    User.objects.update(role="viewer")
    assert rest("POST", PATH, FIRE, by=admin).status == 201


# ------------------------------------------------------------------ REST_PUBLIC


def test_public_rest_needs_no_login_at_all(rest: Rest, db: None, settings: Settings) -> None:
    settings.REST_PUBLIC = True
    created = rest("POST", PATH, FIRE)
    assert created.status == 201
    one = f"{PATH}{created.data['id']}/"
    assert rest("PUT", one, {"status": "closed"}).status == 200
    assert rest("PATCH", one, {"comment": "x"}).status == 200
    assert rest("GET", PATH).data["count"] == 1
    assert len(rest("GET", f"{one}history/").data) == 3
    assert Incident.objects.get().created_by is None
    assert not Event.objects.exclude(by=None, channel="rest").exists()


def test_public_rest_knows_idempotency_keys(rest: Rest, db: None, settings: Settings) -> None:
    settings.REST_PUBLIC = True
    first, again = (rest("POST", PATH, FIRE | {"idempotency_key": "key"}) for _twice in range(2))
    assert (first.status, again.status) == (201, 200)
    assert first.data == again.data


def test_public_rest_still_refuses_a_wrong_token(rest: Rest, db: None, settings: Settings) -> None:
    settings.REST_PUBLIC = True
    assert rest("GET", PATH, headers={"Authorization": "Bearer x"}).status == 401


def test_public_rest_leaves_the_post_dialect_closed(post: Post, db: None, settings: Settings) -> None:
    settings.REST_PUBLIC = True
    assert post("/incidents/get_all/", {}).verdict == (400, "Token is required")


# ------------------------------------------------------------------ faults


def test_an_unexpected_exception_shows_nothing_and_is_json(
    rest: Rest, olga: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def explode(*_args: object) -> None:
        raise RuntimeError("secret of the service")

    monkeypatch.setattr("incidents.services.insert", explode)
    reply = rest("POST", PATH, FIRE, by=olga)
    assert reply.status == 500
    assert list(reply.data) == ["detail"]
    assert "secret" not in reply.text
    assert [record for record in caplog.records if record.exc_info] != []


@pytest.mark.django_db(transaction=True)
def test_a_busy_database_is_said_to_be_busy(rest: Rest, olga: User) -> None:
    bearer = {"Authorization": f"Bearer {token_of(olga)}"}
    assert tokens.user_of(bearer["Authorization"].removeprefix("Bearer "))
    with database_held("incidents_incident"):
        reply = rest("POST", PATH, FIRE, headers=bearer)
    assert (reply.status, reply.data) == (503, {"detail": "Service is busy, try again."})
    assert int(reply.headers["Retry-After"]) >= 1
    assert not Incident.objects.exists()


@pytest.mark.parametrize(
    "path", ["/api/x", "/api/x/", "/api/incidents/x/", "/api/incidents/1/x/", "/api/incidents/1/history/2/"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_an_unknown_path_below_api_is_json(rest: Rest, db: None, path: str, method: str) -> None:
    reply = rest(method, path, b"{}")
    assert reply.status == 404
    assert list(reply.data) == ["detail"]


@pytest.mark.parametrize("path", [PATH, "/api/x/", "/api/schema/"])
def test_an_unlisted_host_is_json(rest: Rest, db: None, path: str) -> None:
    reply = rest("GET", path, HTTP_HOST="evil.example")
    assert reply.status == 400
    assert list(reply.data) == ["detail"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "BREW"])
def test_a_method_that_the_list_does_not_know_is_405(rest: Rest, olga: User, method: str) -> None:
    reply = rest(method, PATH, {}, by=olga)
    assert reply.status == 405
    assert {"GET", "POST"} <= set(reply.headers["Allow"].replace(",", "").split())


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_head_is_get_without_a_body(rest: Rest, olga: User, method: str) -> None:
    assert rest(method, PATH, by=olga).status == 200


@pytest.mark.parametrize("tail", ["", "{}", "{}/history"])
def test_a_path_with_a_format_behind_it_never_is_a_server_error(
    rest: Rest, olga: User, incident: Report, tail: str
) -> None:
    path = f"{PATH}{tail.format(incident().pk)}".rstrip("/") + ".json"
    statuses = {
        rest(method, path, FIRE | {"status": "closed"}, by=olga).status
        for method in ("GET", "POST", "PUT", "PATCH")
    }
    assert max(statuses) < 500


def test_the_root_of_the_api_shows_what_there_is(rest: Rest, olga: User) -> None:
    reply = rest("GET", "/api/", by=olga)
    assert reply.status == 200
    assert reply.data["incidents"] == "http://testserver/api/incidents/"
