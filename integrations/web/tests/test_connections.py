"""The page "Connections": connecting a monitoring system, what it has sent, its token, its switch."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from incidents.models import Incident
from integrations import services
from integrations.models import Integration, Kind
from testing.clients import new_client
from users.models import User

NEW = reverse("connections:connect", args=["generic"])


def connected(browser: Client, name: str = "cron", kind: str = "generic") -> tuple[Integration, str]:
    """Connect by the page, and return the integration with the token that the response shows."""
    response = browser.post(
        reverse("connections:connect", args=[kind]), {"name": name, "source": "monitoring"}
    )
    assert response.status_code == 201
    [token] = set(re.findall(r"\b[A-Za-z0-9]{32}\b", response.content.decode()))
    return Integration.objects.get(name=name), token


def send(token: str, **fields: Any) -> int:
    body = {"title": "Backup failed", "dedup_key": "backup", **fields}
    response = new_client().post("/hooks/generic/", body, headers={"Authorization": f"Bearer {token}"})
    return int(response.status_code)


def page(browser: Client, integration: Integration) -> str:
    response = browser.get(reverse("connections:integration", args=[integration.pk]))
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("kind", Kind.values)
def test_each_kind_is_connected_in_three_clicks_with_its_texts(admin_browser: Client, kind: str) -> None:
    overview = admin_browser.get(reverse("connections:overview")).content.decode()
    link = reverse("connections:connect", args=[kind])
    assert f'href="{link}"' in overview
    form = admin_browser.get(link).content.decode()
    [name] = re.findall(r'name="name" value="([^"]+)"', form)
    response = admin_browser.post(link, {"name": name.replace("&#x27;", "'"), "source": "monitoring"})
    assert response.status_code == 201
    text = response.content.decode()
    [token] = set(re.findall(r"\b[A-Za-z0-9]{32}\b", text))
    assert f"http://testserver/hooks/{kind}/" in text
    assert text.count(token) >= 2
    assert response.headers["Cache-Control"] == "private, no-store"


def test_the_token_is_shown_once(admin_browser: Client) -> None:
    integration, token = connected(admin_browser)
    assert token not in page(admin_browser, integration)
    assert "TOKEN" in page(admin_browser, integration)


def test_the_page_waits_for_the_first_event_and_sees_it(admin_browser: Client) -> None:
    integration, token = connected(admin_browser)
    fragment = reverse("connections:posts", args=[integration.pk])
    waiting = admin_browser.get(fragment).content.decode()
    assert "Waiting for the first event" in waiting
    assert 'hx-trigger="every 2s"' in waiting
    assert send(token) == 202
    seen = admin_browser.get(fragment).content.decode()
    assert "Waiting for the first event" not in seen
    assert "hx-trigger" not in seen
    assert "Processed" in seen
    assert "Backup failed" in seen
    assert "Incidents: 1, not finished: 1." in seen


def test_a_post_that_did_nothing_says_why(admin_browser: Client) -> None:
    integration, token = connected(admin_browser)
    send(token, action="resolve", dedup_key="unknown")
    send(token, action="explode")
    text = page(admin_browser, integration)
    assert "Nothing to do" in text
    assert "Refused" in text
    assert "explode" in text


def test_what_a_sender_writes_is_text_and_its_token_is_not_shown(admin_browser: Client) -> None:
    integration, token = connected(admin_browser)
    new_client().post(
        f"/hooks/generic/?token={token}", {"title": "<script>alert(1)</script>", "token": token}
    )
    text = page(admin_browser, integration)
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text
    assert token not in text


def test_a_new_token_is_shown_once_and_the_old_one_stays_valid_for_a_day(admin_browser: Client) -> None:
    integration, old = connected(admin_browser)
    response = admin_browser.post(reverse("connections:rotate", args=[integration.pk]))
    [new] = set(re.findall(r"\b[A-Za-z0-9]{32}\b", response.content.decode()))
    assert new != old
    assert send(old) == send(new) == 202


def test_a_connection_is_switched_off_and_on(admin_browser: Client) -> None:
    integration, token = connected(admin_browser)
    switch = reverse("connections:switch", args=[integration.pk])
    assert admin_browser.post(switch, {"enabled": "false"}).status_code == 302
    assert send(token) == 403
    assert "switched off" in admin_browser.get(reverse("connections:overview")).content.decode()
    admin_browser.post(switch, {"enabled": "true"})
    assert send(token) == 202


def test_settings_are_changed_and_wrong_ones_refused_with_a_reason(admin_browser: Client) -> None:
    integration, token = connected(admin_browser)
    url = reverse("connections:integration", args=[integration.pk])
    asked = {
        "name": "ночной cron",
        "source": "system",
        "grouping": "alert",
        "severities": '{"bad": "critical"}',
        "reopen_minutes": "30",
        "stale_minutes": "",
    }
    assert admin_browser.post(url, asked).status_code == 302
    integration.refresh_from_db()
    assert (integration.name, integration.source, integration.reopen_minutes) == ("ночной cron", "system", 30)
    send(token, severity="bad")
    assert Incident.objects.get().severity == "critical"
    for wrong in (
        {"severities": "{"},
        {"severities": '{"A": "huge"}'},
        {"severities": '{"\\u0000": null}'},
        {"severities": '{"\\ud800": null}'},
        {"severities": f'{{"a": {"9" * 5000}}}'},
        {"reopen_minutes": "-1"},
        {"name": " "},
    ):
        response = admin_browser.post(url, asked | wrong)
        assert response.status_code == 400, wrong
        assert 'class="errors"' in response.content.decode()
    integration.refresh_from_db()
    assert integration.severities == {"bad": "critical"}


def test_a_name_that_is_taken_is_refused_and_another_one_is_offered(
    admin_browser: Client, olga: User
) -> None:
    response = admin_browser.post(NEW, {"name": "olga", "source": "monitoring"})
    assert (response.status_code, "is taken" in response.content.decode()) == (400, True)
    connected(admin_browser, str(Kind.GENERIC.label))
    assert f"{Kind.GENERIC.label} 2" in admin_browser.get(NEW).content.decode()


@pytest.mark.parametrize("role", ["olga", "vera", "rita"])
def test_others_than_administrators_are_refused(request: pytest.FixtureRequest, role: str) -> None:
    browser = new_client()
    browser.force_login(request.getfixturevalue(role))
    token_owner = Integration(name="cron", kind=Kind.GENERIC)
    services.connect(token_owner)
    pk = token_owner.pk
    for name, arguments in (
        ("overview", []),
        ("connect", ["generic"]),
        ("integration", [pk]),
        ("posts", [pk]),
    ):
        assert browser.get(reverse(f"connections:{name}", args=arguments)).status_code == 403
    for name in ("rotate", "switch", "integration"):
        assert browser.post(reverse(f"connections:{name}", args=[pk])).status_code == 403
    assert "/connections/" not in browser.get("/report/").content.decode()


def test_without_a_login_the_page_asks_for_one(db: None) -> None:
    assert new_client().get(reverse("connections:overview")).status_code == 302


def test_unknown_kinds_and_connections_are_not_found(admin_browser: Client) -> None:
    assert admin_browser.get("/connections/new/nagios/").status_code == 404
    assert admin_browser.get("/connections/999/").status_code == 404
    assert admin_browser.get(reverse("connections:rotate", args=[999])).status_code == 405


def test_the_page_speaks_russian(admin: User) -> None:
    browser = new_client(headers={"Accept-Language": "ru"})
    browser.force_login(admin)
    text = browser.get(reverse("connections:overview")).content.decode()
    assert "Подключения" in text
