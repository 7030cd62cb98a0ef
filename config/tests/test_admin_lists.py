"""The administration's lists under hostile queries: nothing but what their own pages link to."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.contrib import admin as administration
from django.db import transaction
from django.test import Client

from common.admin import BoundedModelAdmin
from incidents.models import Event, Incident
from testing.clients import token_of
from users.models import User

Report = Callable[..., Incident]

INCIDENTS, USERS, TOKENS = "/admin/incidents/incident/", "/admin/users/user/", "/admin/users/token/"
LISTS = [INCIDENTS, USERS, TOKENS, "/admin/integrations/integration/", "/admin/integrations/receivedpost/"]
FILTERS = ["status__exact", "source__exact", "created_at__gte", "created_at__lt", "created_at__year"]
FILTERS += ["role__exact", "is_active__exact", "is_superuser__exact", "user__id__exact", "kind__exact"]
PARAMETERS = [*FILTERS, "q", "p", "o", "all", "e", "_facets", "_to_field", "_popup"]
LOOKUPS = ["description__regex", "username__iregex", "name__regex", "id__in", "pk", "created_at__year__gt"]
LOOKUPS += ["description__contains", "events__comment__regex", "user__password__startswith", "digest__lt"]
HUGE = "9" * 20
VALUES = [
    "",
    "x",
    "-1",
    "0",
    HUGE,
    "9" * 5000,
    "\0",
    "0001-01-01",
    "9999-12-31T23:59:59-12:00",
    "[",
    "(a|a)*$",
]


@pytest.fixture
def status_of(admin_browser: Client) -> Callable[..., int]:
    """Send a request as the admin, by itself in a transaction; return the status."""
    admin_browser.raise_request_exception = False

    def send(method: str, path: str, form: dict[str, str] | None = None) -> int:
        with transaction.atomic():
            response: Any = getattr(admin_browser, method)(path, form or {})
            if response.status_code >= 500:
                transaction.set_rollback(True)
            return int(response.status_code)

    return send


@pytest.fixture
def rows(incident: Report, olga: User) -> None:
    incident()
    token_of(olga)


def test_every_list_of_the_administration_is_bounded() -> None:
    for model_admin in administration.site._registry.values():
        assert isinstance(model_admin, BoundedModelAdmin), model_admin


@pytest.mark.parametrize("lookup", [*LOOKUPS, "status__in", "status", "created_by__username"])
def test_a_lookup_that_no_filter_of_the_page_has_does_not_run(
    admin_browser: Client, rows: None, lookup: str
) -> None:
    for path in LISTS:
        response: Any = admin_browser.get(f"{path}?{lookup}=1")
        assert (response.status_code, response.headers.get("Location")) in {
            (302, f"{path}?e=1"),
            (400, None),  # of another model's fields
        }


@pytest.mark.parametrize("path", LISTS)
def test_no_value_of_a_query_is_a_server_error(status_of: Callable[..., int], rows: None, path: str) -> None:
    for name in [*PARAMETERS, *LOOKUPS]:
        for value in VALUES:
            assert status_of("get", f"{path}?{urlencode({name: value})}") in {200, 302, 400}, (name, value)


@pytest.mark.parametrize("path", LISTS)
def test_no_id_is_a_server_error(status_of: Callable[..., int], rows: None, path: str) -> None:
    for value in VALUES:
        for page in ("change/", "history/", "delete/", ""):
            assert status_of("get", f"{path}{quote(value, safe='')}/{page}") < 500, (page, value)
        for action in ("delete_selected", "set_closed"):
            form = {"action": action, "_selected_action": value, "post": "yes"}
            assert status_of("post", path, form) in {200, 302, 403}, (action, value)
        related = "/admin/autocomplete/?app_label=users&model_name=token&field_name=user&term="
        assert status_of("get", f"{related}{quote(value)}") < 500, value


def test_a_choice_that_is_not_of_the_list_changes_nothing(admin_browser: Client, incident: Report) -> None:
    one = incident()
    form = {"action": "set_closed", "_selected_action": [str(one.pk), HUGE]}
    response: Any = admin_browser.post(INCIDENTS, form, follow=True)
    assert "The selection is not of this list." in response.text
    assert Incident.objects.get().status == "open"


def test_an_action_on_everything_has_a_limit(
    admin_browser: Client, incident: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.admin.MAX_ACTION_ROWS", 2)
    chosen = [incident(), incident()]
    form = {"action": "set_closed", "_selected_action": str(chosen[0].pk), "select_across": "1"}
    other = incident("other")
    before = Event.objects.count()
    response: Any = admin_browser.post(INCIDENTS, form, follow=True)
    assert "Too many are selected, at most 2 at once" in response.text
    assert Event.objects.count() == before
    Incident.objects.filter(pk=other.pk).update(source="partner")
    admin_browser.post(f"{INCIDENTS}?source__exact=operator", form)
    assert {one.status for one in Incident.objects.exclude(pk=other.pk)} == {"closed"}
    assert Incident.objects.get(pk=other.pk).status == "open"
