import logging
import re
from datetime import timedelta
from http import HTTPStatus

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from testing.clients import new_client, token_of
from testing.reading import page
from users import people
from users.models import User
from users.roles import Role

PASSWORD = "seven green umbrellas"
CHOSEN = {"new_password1": PASSWORD, "new_password2": PASSWORD}


def link_in(html: str) -> str:
    found = re.search(r'<code [^>]*id="link"[^>]*>http://testserver(/invitation/\d+/[\w-]+/)</code>', html)
    assert found, html
    return found[1]


def invite(browser: Client, username: str = "ivan", role: str = "viewer") -> str:
    response = browser.post("/people/", {"username": username, "role": role})
    assert response.status_code == HTTPStatus.CREATED
    assert response["Cache-Control"] == "private, no-store"
    return link_in(response.text)


def guest() -> Client:
    return new_client(headers={"Accept-Language": "en"})


@pytest.mark.parametrize("path", ["/people/", "/people/1/", "/people/1/link/"])
def test_only_superusers_see_people(as_olga: Client, path: str) -> None:
    assert as_olga.post(path).status_code == HTTPStatus.FORBIDDEN
    assert 'href="/people/"' not in page(as_olga, "/")


def test_a_colleague_chooses_the_password_by_a_link_that_works_once(admin_browser: Client) -> None:
    link = invite(admin_browser)
    browser = guest()
    response = browser.get(link)
    assert (response["Referrer-Policy"], response["Cache-Control"]) == ("same-origin", "private, no-store")
    assert 'value="ivan"' in response.text
    assert "Welcome" in browser.post(link, CHOSEN, follow=True).text
    ivan = User.objects.get(username="ivan")
    assert (ivan.role, ivan.is_superuser, ivan.check_password(PASSWORD)) == (Role.VIEWER, False, True)
    again = guest().post(link, CHOSEN)
    assert again.status_code == HTTPStatus.GONE
    assert "This link is no longer valid" in again.text
    assert LogEntry.objects.get(object_id=str(ivan.pk)).user.username == "admin"


def test_a_weak_password_leaves_the_link_valid(admin_browser: Client) -> None:
    link = invite(admin_browser)
    weak = guest().post(link, {"new_password1": "12345678", "new_password2": "12345678"})
    assert (weak.status_code, "entirely numeric" in weak.text) == (HTTPStatus.BAD_REQUEST, True)
    assert guest().post(link, CHOSEN).status_code == HTTPStatus.FOUND


def test_a_link_ends_after_three_days(admin_browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT) == timedelta(days=3)
    link = invite(admin_browser)
    later = timezone.localtime().replace(tzinfo=None) + timedelta(days=3, seconds=2)
    monkeypatch.setattr(people.link_tokens, "_now", lambda: later)
    assert guest().get(link).status_code == HTTPStatus.GONE


def test_a_deactivation_ends_the_link_sessions_and_tokens_for_good(
    admin_browser: Client, olga: User, as_olga: Client
) -> None:
    link = link_in(admin_browser.post(f"/people/{olga.pk}/link/").text)
    headers = {"Authorization": f"Bearer {token_of(olga)}"}
    for active in ("false", "true"):
        admin_browser.post(f"/people/{olga.pk}/", {"active": active})
        assert as_olga.get("/").status_code == HTTPStatus.FOUND
        assert guest().get(link).status_code == HTTPStatus.GONE
        assert new_client().get("/api/incidents/", headers=headers).status_code == HTTPStatus.UNAUTHORIZED


def test_a_new_password_by_a_link_ends_tokens(admin_browser: Client, olga: User) -> None:
    headers = {"Authorization": f"Bearer {token_of(olga)}"}
    link = link_in(admin_browser.post(f"/people/{olga.pk}/link/").text)
    assert guest().post(link, CHOSEN).status_code == HTTPStatus.FOUND
    assert new_client().get("/api/incidents/", headers=headers).status_code == HTTPStatus.UNAUTHORIZED


def test_two_who_use_one_link_at_once_do_not_both_succeed(olga: User) -> None:
    token = people.link_tokens.make_token(olga)
    same = User.objects.get(pk=olga.pk)
    assert people.choose_password(olga, token, PASSWORD)
    assert not people.choose_password(same, token, "another green umbrella")
    assert User.objects.get(pk=olga.pk).check_password(PASSWORD)


def test_guesses_of_links_are_limited_as_logins_are(admin_browser: Client, olga: User) -> None:
    link = link_in(admin_browser.post(f"/people/{olga.pk}/link/").text)
    wrong = link[:-3] + "xx/"
    statuses = [guest().get(wrong).status_code for _n in range(6)]
    assert statuses == [*[HTTPStatus.GONE] * 5, HTTPStatus.TOO_MANY_REQUESTS]
    response = guest().post(link, CHOSEN)
    assert response.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert int(response["Retry-After"]) > 0


def test_a_link_is_never_in_the_log(admin_browser: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    link = invite(admin_browser)
    guest().get(link)
    secret = link.rstrip("/").rpartition("-")[2]
    assert "***" in caplog.text
    assert secret not in caplog.text


def test_roles_are_given_and_taken(admin_browser: Client, olga: User) -> None:
    for role, expected in (
        ("administrator", (Role.OPERATOR, True, True)),
        ("reporter", (Role.REPORTER, False, False)),
        ("emperor", (Role.REPORTER, False, False)),
    ):
        admin_browser.post(f"/people/{olga.pk}/", {"role": role})
        olga.refresh_from_db()
        assert (olga.role, olga.is_superuser, olga.is_staff) == expected


@pytest.mark.parametrize("form", [{"active": "false"}, {"role": "viewer"}])
def test_the_last_administrator_stays(admin_browser: Client, admin: User, form: dict[str, str]) -> None:
    html = admin_browser.post(f"/people/{admin.pk}/", form, follow=True).text
    assert "This is the last active administrator. Make another one first." in html
    second = people.invite("second", people.ADMINISTRATOR, admin)
    admin_browser.post(f"/people/{second.pk}/", form)
    second.refresh_from_db()
    assert not (second.is_active and second.is_superuser)


def test_the_list_says_who_was_here_when(admin_browser: Client, admin: User, olga: User) -> None:
    page(admin_browser, "/people/")
    olga.is_active = False
    olga.save()
    html = page(admin_browser, "/people/")
    rows = re.findall(r"<li>\s+<a href=\"/people/\d+/\"><bdi>(\w+)</bdi>(.*?)</li>", html, re.DOTALL)
    assert [name for name, _rest in rows] == ["admin", "olga"]
    assert "last seen" in rows[0][1]
    assert "switched off" in rows[1][1]
    assert "has never logged in" in rows[1][1]


def test_a_taken_name_is_refused(admin_browser: Client, olga: User) -> None:
    response = admin_browser.post("/people/", {"username": "olga", "role": "viewer"})
    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert "already exists" in response.text
