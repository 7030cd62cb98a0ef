"""/readyz: the same for everybody, and the dispatcher's last tick for administrators."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from common.http import health
from integrations.outbound import ticks
from integrations.outbound.models import DispatcherState
from testing.clients import new_client
from users import tokens
from users.models import User


@pytest.fixture(autouse=True)
def nothing_is_remembered() -> None:
    health.readiness = health.Readiness()


def details(client: Client, **headers: str) -> Any:
    response = client.get("/readyz", headers=headers)
    assert response.status_code == 200
    content = response.json()
    assert content.pop("status") == "ok"
    return content


def test_an_administrator_sees_the_last_tick_of_the_dispatcher(admin_browser: Client, admin: User) -> None:
    assert details(admin_browser) == {"dispatcher": {"last_tick_at": None, "runs": False}}
    ticks.tick()
    seen = details(admin_browser)["dispatcher"]
    assert seen["runs"]
    assert seen["last_tick_at"].endswith("Z")
    DispatcherState.objects.update(last_tick_at=timezone.now() - timedelta(minutes=1))
    assert not details(admin_browser)["dispatcher"]["runs"]
    token = tokens.issue_for_login(admin).secret
    assert "dispatcher" in details(new_client(), Authorization=f"Bearer {token}")


@pytest.mark.parametrize("role", ["olga", "vera", "rita"])
def test_others_see_the_status_alone(request: pytest.FixtureRequest, role: str) -> None:
    user = request.getfixturevalue(role)
    browser = new_client()
    browser.force_login(user)
    assert details(browser) == {}
    token = tokens.issue_for_login(user).secret
    assert details(new_client(), Authorization=f"Bearer {token}") == {}
    assert details(new_client(), Authorization="Bearer nonsense") == {}


def test_a_stranger_costs_no_query_within_a_second(
    db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    details(new_client())
    with django_assert_num_queries(0):
        assert details(new_client()) == {}
