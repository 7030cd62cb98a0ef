"""Connections in the administration."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from integrations import services
from integrations.authentication import find_caller
from integrations.models import Integration, Kind, ReceivedPost
from testing.reading import page
from users.models import User

PATH = "/admin/integrations/integration/"
CHOICES = {
    "name": "Main",
    "kind": "alertmanager",
    "source": "monitoring",
    "enabled": "on",
    "grouping": "alert",
    "severities": "{}",
    "reopen_minutes": "10",
    "stale_minutes": "",
}


@pytest.fixture
def integration(db: None) -> Integration:
    made = Integration(name="Main", kind=Kind.ALERTMANAGER)
    services.connect(made)
    return made


def test_adding_a_connection_shows_its_token_once(admin_browser: Client) -> None:
    response = admin_browser.post(f"{PATH}add/", CHOICES | {"grouping": "group", "stale_minutes": "30"})
    assert response.status_code == 200
    [token] = re.findall("<code>([A-Za-z0-9]{32})</code>", response.content.decode())
    made = Integration.objects.get()
    assert getattr(find_caller([token]), "id", None) == made.pk
    assert (made.user.username, made.grouping, made.stale_minutes) == ("Main", "group", 30)
    assert token not in page(admin_browser, f"{PATH}{made.pk}/change/")


def test_changing_it_renames_its_user_and_keeps_kind_and_token(
    admin_browser: Client, integration: Integration
) -> None:
    before = integration.token_digest
    changed = CHOICES | {"name": "Other", "kind": "zabbix", "severities": '{"page": "critical", "*": null}'}
    del changed["enabled"]
    assert admin_browser.post(f"{PATH}{integration.pk}/change/", changed).status_code == 302
    integration.refresh_from_db()
    assert (integration.name, integration.user.username, integration.kind) == (
        "Other",
        "Other",
        "alertmanager",
    )
    assert integration.severities == {"page": "critical", "*": None}
    assert not integration.enabled
    assert integration.token_digest == before


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "admin"),
        ("name", " "),
        ("name", "x" * 101),
        ("severities", '{"page": "worst"}'),
        ("severities", '{"Page": "critical"}'),
        ("severities", '["page"]'),
        ("severities", "{"),
        ("reopen_minutes", "-1"),
        ("reopen_minutes", "99999999"),
        ("stale_minutes", "0"),
        ("source", "moon"),
    ],
)
def test_a_wrong_choice_is_refused(
    admin_browser: Client, integration: Integration, field: str, value: str
) -> None:
    before = list(Integration.objects.values())
    response = admin_browser.post(f"{PATH}{integration.pk}/change/", CHOICES | {field: value})
    assert response.status_code == 200
    assert "errorlist" in response.content.decode()
    assert list(Integration.objects.values()) == before
    assert admin_browser.post(f"{PATH}add/", CHOICES | {field: value}).status_code == 200
    assert Integration.objects.count() == 1


def test_its_posts_are_shown_and_cannot_be_edited(admin_browser: Client, integration: Integration) -> None:
    post = ReceivedPost.objects.create(
        integration=integration, at=timezone.now(), method="POST", body="<b>as it came</b>", size=3
    )
    path = "/admin/integrations/receivedpost/"
    assert "Main" in page(admin_browser, path)
    html = page(admin_browser, f"{path}{post.pk}/change/")
    assert "&lt;b&gt;as it came&lt;/b&gt;" in html
    assert 'name="body"' not in html
    for refused in (f"{path}add/", f"{path}{post.pk}/change/", f"{path}{post.pk}/delete/"):
        assert admin_browser.post(refused, {"body": "x", "post": "yes"}).status_code == 403


def test_a_connection_is_not_deleted(admin_browser: Client, integration: Integration) -> None:
    assert admin_browser.post(f"{PATH}{integration.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Integration.objects.exists()


def test_the_name_of_its_user_changes_with_it_alone(admin_browser: Client, integration: Integration) -> None:
    user = integration.user
    admin_browser.post(
        f"/admin/users/user/{user.pk}/change/", {"username": "other", "role": "reporter", "is_active": "on"}
    )
    assert User.objects.get(pk=user.pk).username == "Main"
    assert 'name="username"' not in page(admin_browser, f"/admin/users/user/{user.pk}/change/")
