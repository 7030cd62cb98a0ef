from http import HTTPStatus

import pytest
from django.contrib.auth import authenticate
from django.test import Client

from testing.clients import Rest, new_client, token_of
from testing.reading import page
from users.models import User

NEW = "seven green umbrellas"


def change(browser: Client, old: str, new: str = NEW) -> str:
    form = {"old_password": old, "new_password1": new, "new_password2": new}
    return browser.post("/account/password/", form, follow=True).text


def test_a_user_changes_the_password_and_stays_logged_in(
    as_olga: Client, olga: User, password: str, rest: Rest
) -> None:
    elsewhere = new_client()
    elsewhere.force_login(olga)
    token = token_of(olga)
    html = change(as_olga, password)
    assert "The password is changed. The tokens of this user are no longer valid." in html
    assert page(as_olga, "/")
    assert elsewhere.get("/").status_code == HTTPStatus.FOUND
    assert authenticate(None, username="olga", password=NEW) == olga
    headers = {"Authorization": f"Bearer {token}"}
    assert new_client().get("/api/incidents/", headers=headers).status_code == HTTPStatus.UNAUTHORIZED


def test_guesses_of_the_old_password_are_limited_as_at_the_login(as_olga: Client, password: str) -> None:
    for _n in range(5):
        assert "Your old password was entered incorrectly" in change(as_olga, "wrong")
    assert "Too many attempts, try again later" in change(as_olga, password)


def test_a_weak_password_is_refused(as_olga: Client, password: str) -> None:
    assert "too common" in change(as_olga, password, "password123")


def test_other_sessions_end_and_tokens_stay(as_olga: Client, olga: User) -> None:
    elsewhere = new_client()
    elsewhere.force_login(olga)
    token = token_of(olga)
    html = as_olga.post("/account/sessions/end/", follow=True).text
    assert "All other sessions are ended." in html
    assert page(as_olga, "/")
    assert elsewhere.get("/").status_code == HTTPStatus.FOUND
    headers = {"Authorization": f"Bearer {token}"}
    assert new_client().get("/api/incidents/", headers=headers).status_code == HTTPStatus.OK


@pytest.mark.parametrize(
    ("theme", "link", "scheme"),
    [
        ("", 'css" media="(prefers-color-scheme: dark)">', "light dark"),
        ("dark", 'css">', "dark"),
        ("light", None, "light"),
        ("../", 'css" media="(prefers-color-scheme: dark)">', "light dark"),
    ],
)
def test_the_theme_is_in_the_first_bytes_of_the_page(
    as_olga: Client, theme: str, link: str | None, scheme: str
) -> None:
    assert as_olga.post("/account/theme/", {"theme": theme, "next": "/report/"})["Location"] == "/report/"
    html = page(as_olga, "/report/")
    dark = html.partition("web/dark")[2].partition("\n")[0]
    assert dark.endswith(link) if link else not dark
    assert f'<meta name="color-scheme" content="{scheme}">' in html


def test_a_theme_leads_to_no_other_site(as_olga: Client) -> None:
    form = {"theme": "dark", "next": "https://example.com/"}
    assert as_olga.post("/account/theme/", form)["Location"] == "/"


def test_a_chosen_time_zone_wins_over_the_browsers(as_olga: Client) -> None:
    as_olga.cookies["timezone"] = "Asia/Tokyo"
    assert "Asia/Tokyo (of the browser)" in page(as_olga, "/")
    as_olga.post("/account/zone/", {"zone": "Asia/Omsk"})
    html = page(as_olga, "/account/zone/")
    assert 'data-zone="Asia/Omsk"' in html
    assert '<option value="Asia/Omsk" selected>' in html
    as_olga.post("/account/zone/", {"zone": ""})
    assert 'data-zone="Asia/Tokyo"' in page(as_olga, "/")
    assert as_olga.post("/account/zone/", {"zone": "../x"}).status_code == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize("path", ["/account/password/", "/account/zone/"])
def test_a_stranger_has_no_account(db: None, path: str) -> None:
    assert new_client().get(path)["Location"] == f"/login/?next={path}"


def test_the_menu_leads_a_superuser_to_the_administration(admin_browser: Client, as_olga: Client) -> None:
    assert 'href="/admin/"' in page(admin_browser, "/")
    assert 'href="/admin/"' not in page(as_olga, "/")
    assert 'href="/api/docs/"' in page(as_olga, "/")
