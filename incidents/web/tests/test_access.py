import re
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.utils import timezone

from incidents.demo import logins
from incidents.models import Incident
from incidents.web.access import RENEWED_ON
from testing.clients import database_held, new_client
from testing.reading import page
from users.models import User

Report = Callable[..., Incident]
PAGES = [
    "/",
    "/news",
    "/incidents.csv",
    "/incident/1/",
    "/report/",
    "/statistics/",
    "/statistics.csv",
]


@pytest.mark.parametrize("path", PAGES)
def test_a_stranger_is_asked_to_log_in(db: None, path: str) -> None:
    response = new_client().get(path)
    assert response.status_code == HTTPStatus.FOUND
    assert response["Location"] == f"/login/?next={path}"


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/changes/", {}),
        ("GET", "/news", {"HX-Request": "true"}),
        ("GET", "/?q=x", {"HX-Request": "true"}),
        ("POST", "/incident/1/change/", {"HX-Request": "true"}),
    ],
)
@pytest.mark.parametrize("enforce_csrf_checks", [False, True])
def test_a_script_without_a_session_gets_the_dialog_to_log_in(
    db: None, method: str, path: str, headers: dict[str, str], enforce_csrf_checks: bool
) -> None:
    browser = new_client(enforce_csrf_checks=enforce_csrf_checks)
    response = browser.generic(method, path, headers=headers)
    assert response.status_code == HTTPStatus.UNAUTHORIZED
    assert '<dialog id="login"' in response.text
    assert "csrftoken" in response.cookies
    assert "no-store" in response["Cache-Control"]


def test_the_dialog_logs_in_or_says_what_is_wrong(olga: User, password: str) -> None:
    browser = new_client(headers={"HX-Request": "true", "Accept-Language": "en"})
    wrong = browser.post("/login/", {"username": "olga", "password": "wrong"})
    assert wrong.status_code == HTTPStatus.OK
    assert "Please enter a correct username and password" in wrong.text
    right = browser.post("/login/", {"username": "olga", "password": password})
    assert (right.status_code, right["HX-Trigger"]) == (HTTPStatus.NO_CONTENT, '{"loggedIn": {}}')
    assert browser.get("/").status_code == HTTPStatus.OK


def test_a_session_in_use_does_not_end(as_olga: Client) -> None:
    page(as_olga, "/")
    session = as_olga.session
    session[RENEWED_ON] = "2025-11-11"
    session.save()
    soon = timezone.now() + timedelta(hours=1)
    Session.objects.update(expire_date=soon)
    # An open page that nobody looks at does not renew it.
    assert "sessionid" not in as_olga.get("/changes/?after_event=0").cookies
    response = as_olga.get("/")
    assert response.cookies["sessionid"]["max-age"] == settings.SESSION_COOKIE_AGE
    assert Session.objects.get().expire_date > soon + timedelta(days=13)
    # Once a day is enough.
    assert "sessionid" not in as_olga.get("/").cookies


def test_a_page_is_shown_while_nobody_can_write(as_olga: Client, transactional_db: None) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("a lock that lets others read is SQLite's alone")
    with database_held("django_session"):
        response = as_olga.get("/report/")
    assert response.status_code == HTTPStatus.OK
    assert "sessionid" not in response.cookies


def test_the_login_leads_on_who_is_logged_in(as_olga: Client) -> None:
    assert as_olga.get("/login/")["Location"] == "/"


def test_a_login_after_a_press_leads_to_the_incident(as_olga: Client, incident: Report) -> None:
    one = incident()
    assert as_olga.get(f"/incident/{one.pk}/change/")["Location"] == f"/incident/{one.pk}/"


def test_log_in_and_out(olga: User, password: str) -> None:
    browser = new_client()
    response = browser.post("/login/", {"username": "olga", "password": password, "next": "/report/"})
    assert response["Location"] == "/report/"
    assert browser.get("/").status_code == HTTPStatus.OK
    assert browser.post("/logout/")["Location"] == "/login/"
    assert browser.get("/").status_code == HTTPStatus.FOUND


@pytest.mark.parametrize("elsewhere", ["https://example.com/", "//example.com"])
def test_a_login_redirects_only_within_the_service(olga: User, password: str, elsewhere: str) -> None:
    form = {"username": "olga", "password": password, "next": elsewhere}
    assert new_client().post("/login/", form)["Location"] == "/"


def test_wrong_passwords_are_refused_and_limited(olga: User) -> None:
    browser = new_client(headers={"Accept-Language": "en"})
    form = {"username": "olga", "password": "wrong"}
    responses = [browser.post("/login/", form).text for _n in range(7)]
    assert "Please enter a correct username and password" in responses[0]
    assert "Too many attempts, try again later" in responses[-1]


def test_a_viewer_sees_no_buttons(as_vera: Client, incident: Report) -> None:
    one = incident()
    queue = page(as_vera, "/")
    detail = page(as_vera, f"/incident/{one.pk}/")
    assert f"incident-{one.pk}" in queue
    for html in (queue, detail):
        assert "/change/" not in html
        assert 'href="/report/"' not in html
    page(as_vera, "/report/", HTTPStatus.FORBIDDEN)
    change = {"status": "closed", "seen": "open"}
    assert as_vera.post(f"/incident/{one.pk}/change/", change).status_code == HTTPStatus.FORBIDDEN
    assert Incident.objects.get().status == "open"


def test_a_reporter_can_only_report(as_rita: Client, incident: Report) -> None:
    one = incident()
    assert as_rita.get("/")["Location"] == "/report/"
    html = page(as_rita, "/report/")
    assert 'href="/statistics/"' not in html
    for path in (f"/incident/{one.pk}/", "/statistics/", "/incidents.csv", "/changes/?after_event=0"):
        page(as_rita, path, HTTPStatus.FORBIDDEN)
    form = {"incident": "Самокат", "source": "monitoring", "date": ""}
    assert as_rita.post("/report/", form)["Location"] == "/report/"
    assert "Incident #" in page(as_rita, "/report/")


def test_an_inactive_user_is_sent_to_the_login(olga: User, as_olga: Client) -> None:
    User.objects.filter(pk=olga.pk).update(is_active=False)
    assert as_olga.get("/").status_code == HTTPStatus.FOUND


def test_the_language_follows_the_browser_and_can_be_switched(as_olga: Client) -> None:
    def title(language: str) -> str:
        return as_olga.get("/", headers={"Accept-Language": language}).text.split("<title>")[1].split("<")[0]

    assert title("ru-RU,ru;q=0.9") == "Очередь · Инциденты"
    assert title("en") == "Queue · Incidents"
    as_olga.post("/language/", {"language": "ru", "next": "/"})
    assert title("en") == "Очередь · Инциденты"


@pytest.mark.parametrize("zone", ["Nowhere/Land", "../../etc/passwd", "x" * 500, "\x00", ""])
def test_an_invalid_time_zone_falls_back_to_the_configured_one(as_olga: Client, zone: str) -> None:
    as_olga.cookies["timezone"] = zone
    assert 'data-zone="Europe/Moscow"' in page(as_olga, "/")


def test_changes_need_the_csrf_token(olga: User, incident: Report) -> None:
    browser = new_client(enforce_csrf_checks=True)
    browser.force_login(olga)
    change = {"status": "closed", "seen": "open"}
    response = browser.post(f"/incident/{incident().pk}/change/", change)
    assert response.status_code == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("path", ["/", "/report/", "/statistics/", "/login/"])
def test_pages_have_a_strict_content_security_policy(olga: User, path: str) -> None:
    browser = new_client()
    if path != "/login/":
        browser.force_login(olga)
    response = browser.get(path)
    assert "default-src 'self'" in response["Content-Security-Policy"]
    assert "unsafe" not in response["Content-Security-Policy"]
    assert " style=" not in response.text
    assert "<script>" not in response.text
    assert " onclick=" not in response.text


def test_pages_are_not_stored_by_shared_caches(as_olga: Client) -> None:
    assert as_olga.get("/")["Cache-Control"] == "private, no-cache"


def test_a_throttled_login_says_when_it_is_possible_again(olga: User) -> None:
    browser = new_client(headers={"Accept-Language": "ru"})
    form = {"username": "olga", "password": "wrong"}
    for _n in range(5):
        assert "Снова можно" not in browser.post("/login/", form).text
    assert re.search(r"Снова можно через [45]\s+минут", browser.post("/login/", form).text)


def test_error_pages_lead_on(as_olga: Client, as_rita: Client) -> None:
    assert '<a class="button" href="/">To the queue</a>' in page(as_olga, "/nowhere/", HTTPStatus.NOT_FOUND)
    assert '<a class="button" href="/">To the beginning</a>' in page(
        as_rita, "/statistics/", HTTPStatus.FORBIDDEN
    )


@pytest.mark.parametrize("path", ["/login/?next=/login/", "/login/?next=/login/%3Fnext%3D/login/"])
def test_a_login_that_leads_to_itself_leads_to_the_queue(as_olga: Client, path: str) -> None:
    response = as_olga.get(path)
    assert (response.status_code, response["Location"]) == (302, "/")


def test_only_the_demo_offers_logins(olga: User, password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = new_client(headers={"Accept-Language": "en"})
    assert "Log in as" not in page(browser, "/login/")
    monkeypatch.setitem(logins.offered, "olga", password)
    html = page(browser, "/login/")
    assert "<button>Log in as olga</button>" in html
    values = dict(re.findall(r'<input type="hidden" name="(username|password)" value="([^"]+)">', html))
    assert browser.post("/login/", values)["Location"] == "/"


@pytest.mark.parametrize("path", ["/incidents/", "/incidents/2128/", "/users/", "/incidents/create/"])
def test_a_browser_at_an_address_of_the_api_is_led_to_the_queue(db: None, path: str) -> None:
    browser = new_client()
    response = browser.get(path, headers={"Accept": "text/html,*/*;q=0.8", "Accept-Language": "ru"})
    assert response.status_code == HTTPStatus.NOT_FOUND
    assert '<a class="button" href="/">К очереди</a>' in response.text
    for accept in ("*/*", "application/json", "application/json, text/html"):
        assert browser.get(path, headers={"Accept": accept})["Content-Type"] == "application/json"
    posted = browser.post(path, headers={"Accept": "text/html"})
    assert posted["Content-Type"] == "application/json"


def test_a_wrong_password_is_told_in_few_words(olga: User) -> None:
    browser = new_client(headers={"Accept-Language": "ru"})
    assert "Неверное имя или пароль." in browser.post("/login/", {"username": "olga", "password": "x"}).text
