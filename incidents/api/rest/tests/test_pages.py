"""REST as a browser sees it: DRF's own pages, with forms that work, in the reader's language."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from incidents.models import Incident, Status
from incidents.severity import Severity
from testing.clients import Rest, new_client
from users.models import User

PATH = "/api/incidents/"
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "en"}
Report = Callable[..., Incident]


@pytest.fixture
def browser(olga: User) -> Client:
    browser = new_client(enforce_csrf_checks=True, headers=HTML)
    browser.force_login(olga)
    return browser


def shown(browser: Client, path: str, status: int = 200) -> str:
    reply: Any = browser.get(path)
    assert reply.status_code == status
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    text: str = reply.text
    return text


def test_the_list_is_a_page_with_its_filters_and_a_form(browser: Client, incident: Report) -> None:
    incident("Самокат <b>горит</b>")
    page = shown(browser, PATH)
    assert "Самокат &lt;b&gt;горит&lt;/b&gt;" in page
    assert "<b>горит" not in page
    assert 'name="description"' in page
    assert 'name="csrfmiddlewaretoken"' in page
    assert 'name="created_after"' in page
    assert "olga" in page


def test_a_filtered_page_offers_every_filter(browser: Client, incident: Report) -> None:
    incident("Самокат")
    page = shown(browser, f"{PATH}?status=open&ordering=created_at")
    names = ("status", "source", "search", "created_after", "created_before", "ordering")
    for name in (*names, "severity", "assignee", "dedup_key"):
        assert f'name="{name}"' in page


@pytest.mark.parametrize("tail", ["", "history/"])
def test_an_incident_and_its_history_are_pages(browser: Client, incident: Report, tail: str) -> None:
    assert "HTTP 200 OK" in shown(browser, f"{PATH}{incident().pk}/{tail}")


def test_a_page_asks_the_network_for_nothing(browser: Client, incident: Report) -> None:
    page = shown(browser, PATH)
    assets = re.findall(r'(?:src|href)="([^"]+\.(?:css|js|png|svg|ico)[^"]*)"', page)
    assert assets
    for asset in assets:
        assert asset.startswith("/static/")
        reply: Any = browser.get(asset)
        assert reply.status_code == 200, asset
        reply.getvalue()
        reply.close()


def csrf_of(page: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found
    return found[1]


def test_the_form_reports_an_incident(browser: Client) -> None:
    form = {
        "description": "Fire\r\nin the yard",
        "source": "partner",
        "csrfmiddlewaretoken": csrf_of(shown(browser, PATH)),
    }
    reply = browser.post(PATH, form)
    assert reply.status_code == 201
    one = Incident.objects.get()
    assert (one.description, one.source) == ("Fire\r\nin the yard", "partner")


@pytest.mark.parametrize(("origin", "status"), [("http://testserver", 201), ("https://evil.example", 403)])
def test_a_form_is_accepted_from_the_page_itself_alone(browser: Client, origin: str, status: int) -> None:
    csrf = csrf_of(shown(browser, PATH))
    form = urlencode({"description": "Fire", "source": "partner", "csrfmiddlewaretoken": csrf})
    kind = "application/x-www-form-urlencoded"
    reply = browser.post(PATH, form, content_type=kind, headers={"Origin": origin})
    assert reply.status_code == status


def test_the_form_of_a_change_keeps_what_is_not_changed(
    browser: Client, rest: Rest, olga: User, incident: Report
) -> None:
    one = incident(severity=Severity.ERROR)
    path = f"{PATH}{one.pk}/"
    rest("PATCH", path, {"assignee": "olga"}, by=olga)
    page = shown(browser, path)
    assert re.search(r'<input\s+name="assignee"[^>]*value="olga"', page)
    assert re.search(r'<option value="error" selected', page)
    form = {"status": "closed", "comment": "", "severity": "error", "assignee": "olga", "idempotency_key": ""}
    reply = browser.put(
        path,
        urlencode(form),
        content_type="application/x-www-form-urlencoded",
        headers={"X-CSRFToken": csrf_of(page)},
    )
    assert reply.status_code == 200
    one.refresh_from_db()
    assert (one.status, one.severity, one.assignee) == ("closed", "error", olga)


def test_the_form_needs_the_csrf_token(browser: Client) -> None:
    reply = browser.post(PATH, {"description": "Fire", "source": "partner"})
    assert reply.status_code == 403
    assert not Incident.objects.exists()


def test_a_wrong_form_is_shown_again_with_what_is_wrong(browser: Client) -> None:
    form = {"description": " ", "source": "partner", "csrfmiddlewaretoken": csrf_of(shown(browser, PATH))}
    reply: Any = browser.post(PATH, form)
    assert reply.status_code == 400
    assert "This field may not be blank." in reply.text


def test_who_is_not_logged_in_sees_how_to(db: None) -> None:
    page = shown(new_client(headers=HTML), PATH, status=401)
    assert "/api/login/login/" in page
    assert "/users/authorization/" in page


def test_one_logs_in_and_out_on_pages_of_its_own(olga: User, password: str, incident: Report) -> None:
    incident("Самокат")
    browser = new_client(enforce_csrf_checks=True, headers=HTML)
    form = {"username": "olga", "password": password, "next": PATH}
    form["csrfmiddlewaretoken"] = csrf_of(shown(browser, f"/api/login/login/?next={PATH}"))
    reply: Any = browser.post("/api/login/login/", form)
    assert (reply.status_code, reply.headers["Location"]) == (302, PATH)
    page = shown(browser, PATH)
    assert "Самокат" in page
    browser.post("/api/login/logout/", {"csrfmiddlewaretoken": csrf_of(page)})
    shown(browser, PATH, status=401)


def test_json_is_the_response_unless_a_browser_asks(rest: Rest, olga: User) -> None:
    for accept in ("", "*/*", "application/json", "text/html;q=0.1, application/json"):
        reply = rest("GET", PATH, by=olga, headers={"Accept": accept})
        assert reply.headers["Content-Type"] == "application/json"
    assert rest("GET", f"{PATH}?format=json", by=olga, headers=HTML).data["count"] == 0


def test_a_type_that_there_is_not_is_refused(rest: Rest, olga: User) -> None:
    assert rest("GET", PATH, by=olga, headers={"Accept": "application/xml"}).status == 406
    assert rest("GET", f"{PATH}?format=xml", by=olga).status == 404


RUSSIAN = {
    "open": "Открыт",
    "in_progress": "В работе",
    "resolved": "Решен",
    "closed": "Закрыт",
    "cancelled": "Отменен",
    "fake": "Ложный",
    "unknown": "Неизвестен",
}
ENGLISH = {
    "open": "Open",
    "in_progress": "In progress",
    "resolved": "Resolved",
    "closed": "Closed",
    "cancelled": "Cancelled",
    "fake": "False alarm",
    "unknown": "Unknown",
}
RUSSIAN_SOURCES = {
    "operator": "Оператор",
    "monitoring": "Мониторинг",
    "partner": "Партнер",
    "system": "Система",
    "unknown": "Неизвестно",
}
ENGLISH_SOURCES = {
    "operator": "Operator",
    "monitoring": "Monitoring",
    "partner": "Partner",
    "system": "System",
    "unknown": "Unknown",
}


@pytest.mark.parametrize(
    ("language", "statuses", "sources"),
    [
        ("ru", RUSSIAN, RUSSIAN_SOURCES),
        ("ru-RU,ru;q=0.9,en;q=0.8", RUSSIAN, RUSSIAN_SOURCES),
        ("en", ENGLISH, ENGLISH_SOURCES),
        ("en-GB,en;q=0.9", ENGLISH, ENGLISH_SOURCES),
        ("", RUSSIAN, RUSSIAN_SOURCES),
        ("*", RUSSIAN, RUSSIAN_SOURCES),
        ("fr", RUSSIAN, RUSSIAN_SOURCES),
        ("fr, en;q=0.5", ENGLISH, ENGLISH_SOURCES),
    ],
)
def test_labels_follow_the_language_of_the_request(
    rest: Rest, olga: User, incident: Report, language: str, statuses: dict[str, str], sources: dict[str, str]
) -> None:
    for status in Status:
        incident(status=status)
    for source in sources:
        rest("POST", PATH, {"description": "x", "source": source}, by=olga)
    results = rest("GET", PATH, by=olga, headers={"Accept-Language": language}).data["results"]
    assert {one["status"]: one["status_display"] for one in results} == statuses
    assert {one["source"]: one["source_display"] for one in results} == sources


def test_errors_follow_the_language_of_the_request(rest: Rest, olga: User) -> None:
    russian = rest("GET", f"{PATH}?status=x", by=olga, headers={"Accept-Language": "ru"}).data
    english = rest("GET", f"{PATH}?status=x", by=olga).data
    assert "x" in english["status"][0]
    assert re.search("[а-я]", russian["status"][0])
    assert not re.search("[а-я]", english["status"][0])
    assert re.search("[а-я]", rest("GET", PATH, headers={"Accept-Language": "ru"}).data["detail"])
