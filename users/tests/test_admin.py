import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from testing.clients import Post, new_client, token_of
from users import tokens
from users.models import Token, User
from users.roles import Role
from users.tests.test_tokens import everything_stored

USERS = "/admin/users/user/"
TOKENS = "/admin/users/token/"
SECRET = re.compile("inc_[A-Za-z0-9_-]{43}")


def page(browser: Client, path: str, status: int = 200) -> str:
    reply: Any = browser.get(path)
    assert reply.status_code == status
    text: str = reply.text
    return text


def add_user(browser: Client, **fields: str) -> Any:
    form = {
        "username": "nora",
        "role": "operator",
        "usable_password": "true",
        "password1": "a quite good password",
        "password2": "a quite good password",
    }
    return browser.post(f"{USERS}add/", form | fields)


@pytest.mark.parametrize("role", Role)
def test_a_user_is_added_with_a_role(admin_browser: Client, post: Post, role: Role) -> None:
    assert add_user(admin_browser, role=role.value).status_code == 302
    nora = User.objects.get(username="nora")
    assert (nora.role, nora.is_staff, nora.is_superuser) == (role, False, False)
    credentials = {"username": "nora", "password": "a quite good password"}
    assert post("/users/authorization/", credentials).status == 200


@pytest.mark.parametrize(
    "fields",
    [
        {"role": "king"},
        {"username": ""},
        {"username": "admin"},
        {"password2": "x"},
        {"password1": "12345", "password2": "12345"},
        {"username": "x" * 151},
    ],
)
def test_a_wrong_user_is_refused(admin_browser: Client, fields: dict[str, str]) -> None:
    reply = add_user(admin_browser, **fields)
    assert reply.status_code == 200
    assert "errorlist" in reply.text
    assert User.objects.count() == 1


def test_a_machine_needs_no_password(admin_browser: Client) -> None:
    reply = add_user(admin_browser, usable_password="false", password1="", password2="")
    assert reply.status_code == 302
    assert not User.objects.get(username="nora").has_usable_password()


def test_users_are_listed_with_their_roles(admin_browser: Client, olga: User, vera: User) -> None:
    text = page(admin_browser, USERS)
    assert "Viewer" in text
    only = page(admin_browser, f"{USERS}?role__exact=viewer")
    assert "vera" in only
    assert f"{USERS}{olga.pk}/change/" not in only


def test_a_role_is_changed(admin_browser: Client, olga: User) -> None:
    form = {"username": "olga", "role": "viewer", "is_active": "on", "date_joined_0": "2025-01-01"}
    reply: Any = admin_browser.post(f"{USERS}{olga.pk}/change/", form | {"date_joined_1": "00:00:00"})
    assert reply.status_code == 302, reply.text
    olga.refresh_from_db()
    assert olga.role == "viewer"


def test_there_are_no_groups_beside_the_roles(admin_browser: Client) -> None:
    page(admin_browser, "/admin/auth/group/", 404)


# ------------------------------------------------------------------ tokens


def issue(browser: Client, owner: User, **fields: str) -> Any:
    form = {"user": str(owner.pk), "name": "sensor 7", "days": "30"}
    return browser.post(f"{TOKENS}add/", form | fields)


def test_a_token_is_issued_for_a_machine_and_works(admin_browser: Client, rita: User, post: Post) -> None:
    found = SECRET.findall(issue(admin_browser, rita).text)
    [secret] = set(found)
    token = Token.objects.get()
    assert (token.user, token.name, token.digest) == (rita, "sensor 7", tokens.digest(secret))
    assert abs(token.expires_at - timezone.now() - timedelta(days=30)) < timedelta(minutes=1)
    report = {"token": secret, "incident": "Fire", "source": "monitoring"}
    assert post("/incidents/create/", report).status == 201


def test_the_secret_is_shown_once_and_never_again(admin_browser: Client, rita: User) -> None:
    shown = issue(admin_browser, rita)
    [secret] = set(SECRET.findall(shown.text))
    token = Token.objects.get()
    assert "no-store" in shown.headers["Cache-Control"]
    assert "messages" not in shown.cookies
    assert secret not in repr([session.get_decoded() for session in Session.objects.all()])
    for path in (TOKENS, f"{TOKENS}{token.pk}/change/", f"{TOKENS}{token.pk}/history/", "/admin/"):
        assert SECRET.search(page(admin_browser, path)) is None
    assert secret not in everything_stored()
    assert not [cookie for cookie in admin_browser.cookies.values() if secret in cookie.value]


def test_a_token_is_never_edited(admin_browser: Client, rita: User, olga: User) -> None:
    issue(admin_browser, rita)
    token = Token.objects.get()
    form = {"user": str(olga.pk), "name": "other", "days": "3650"}
    assert admin_browser.post(f"{TOKENS}{token.pk}/change/", form).status_code == 403
    again = Token.objects.get()
    assert (again.user, again.name, again.expires_at) == (rita, "sensor 7", token.expires_at)


@pytest.mark.parametrize(
    "fields", [{"name": ""}, {"days": "0"}, {"days": "3651"}, {"days": ""}, {"user": ""}, {"name": "x" * 101}]
)
def test_a_wrong_token_is_not_issued(admin_browser: Client, rita: User, fields: dict[str, str]) -> None:
    reply = issue(admin_browser, rita, **fields)
    assert "errorlist" in reply.text
    assert SECRET.search(reply.text) is None
    assert not Token.objects.exists()


def test_a_token_is_revoked_and_dead_at_once(admin_browser: Client, rita: User) -> None:
    secret = token_of(rita)
    token = Token.objects.get()
    assert admin_browser.post(f"{TOKENS}{token.pk}/delete/", {"post": "yes"}).status_code == 302
    assert tokens.user_of(secret) is None


def test_tokens_are_revoked_in_bulk(admin_browser: Client, rita: User, olga: User) -> None:
    secrets = [token_of(rita), token_of(rita), token_of(olga)]
    form: dict[str, Any] = {
        "action": "delete_selected",
        "_selected_action": [token.pk for token in Token.objects.filter(user=rita)],
        "post": "yes",
    }
    assert admin_browser.post(TOKENS, form).status_code == 302
    assert [tokens.user_of(secret) for secret in secrets] == [None, None, olga]


def test_tokens_are_found_by_their_machine_or_user(admin_browser: Client, rita: User, olga: User) -> None:
    issue(admin_browser, rita)
    issue(admin_browser, olga, name="pump")
    assert "sensor 7" in page(admin_browser, f"{TOKENS}?q=rita")
    assert "sensor 7" not in page(admin_browser, f"{TOKENS}?q=pump")


def test_the_administration_speaks_russian(admin_browser: Client, rita: User) -> None:
    browser = new_client(headers={"Accept-Language": "ru"})
    browser.cookies = admin_browser.cookies
    text = page(browser, USERS)
    for label in ("Оператор", "Репортёр|Репортер|Заявитель", "роль|Роль"):
        assert re.search(label, text), label
    text = page(browser, TOKENS)
    assert re.search("[Тт]окен", text)
