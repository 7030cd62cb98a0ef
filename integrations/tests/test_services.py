"""Integrations are connected, renamed, rotated and found by their tokens."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth import authenticate
from django.db.models import ProtectedError
from django.utils import timezone

from incidents.models import Source
from incidents.severity import Severity
from integrations import services
from integrations.authentication import MAX_CANDIDATES, find_caller
from integrations.models import Grouping, Integration, Kind
from integrations.services import InvalidName, NameTaken
from testing.clients import together
from users.models import User
from users.roles import Role


def made(name: str = "Prometheus", kind: Kind = Kind.ALERTMANAGER) -> tuple[Integration, str]:
    integration = Integration(name=name, kind=kind)
    return integration, services.connect(integration)


def names() -> list[tuple[str, str]]:
    return list(Integration.objects.values_list("name", "user__username"))


@pytest.mark.django_db
def test_a_new_integration_has_a_token_of_32_letters_and_digits_and_a_reporter_that_cannot_log_in() -> None:
    integration, token = made()
    integration.refresh_from_db()
    assert re.fullmatch("[A-Za-z0-9]{32}", token)
    assert token not in str(Integration.objects.values().get())
    assert integration.user.username == "Prometheus"
    assert integration.user.role == Role.REPORTER
    assert not integration.user.has_usable_password()
    assert authenticate(username="Prometheus", password="") is None
    assert (integration.source, integration.reopen_minutes, integration.stale_minutes) == (
        Source.MONITORING,
        10,
        None,
    )
    assert integration.enabled
    assert integration.grouping == Grouping.ALERT


@pytest.mark.django_db
def test_a_name_that_is_taken_is_refused_and_leaves_nothing(olga: User) -> None:
    made("Prometheus")
    for name in ("olga", "Prometheus", " Prometheus "):
        with pytest.raises(NameTaken, match=name.strip()):
            made(name, Kind.GRAFANA)
    assert names() == [("Prometheus", "Prometheus")]
    assert User.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["", "  ", "\t", "a\nb", "a\u2028b", "a\x00b", "a\x1bb", "x" * 101])
def test_an_invalid_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidName):
        made(name)
    assert not User.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_16_that_connect_the_same_name_at_once_one_succeeds() -> None:
    results = together(16, lambda _number: made())
    assert sum(isinstance(result, tuple) for result in results) == 1
    assert all(isinstance(result, NameTaken) for result in results if not isinstance(result, tuple))
    assert names() == [("Prometheus", "Prometheus")]


@pytest.mark.django_db
def test_a_new_name_is_the_users_too_unless_it_is_taken(olga: User) -> None:
    integration, _token = made()
    integration.name = "Прометей на db1"
    services.save(integration)
    assert names() == [("Прометей на db1", "Прометей на db1")]
    integration.name = "olga"
    with pytest.raises(NameTaken):
        services.save(integration)
    assert names() == [("Прометей на db1", "Прометей на db1")]


@pytest.mark.django_db
def test_the_user_of_an_integration_cannot_be_deleted() -> None:
    integration, _token = made()
    with pytest.raises(ProtectedError):
        integration.user.delete()


@pytest.mark.django_db
def test_a_rotated_token_and_its_predecessor_are_both_valid_for_24_hours() -> None:
    integration, first = made()
    second = services.rotate(integration)
    for token in (first, second):
        caller = find_caller([token])
        assert caller
        assert caller.id == integration.pk
    Integration.objects.update(previous_valid_until=timezone.now() - timedelta(seconds=1))
    assert find_caller([first]) is None
    third = services.rotate(integration)
    assert find_caller([first]) is None
    assert find_caller([second])
    assert find_caller([third])


@pytest.mark.django_db
def test_of_several_tokens_the_first_of_an_enabled_integration_counts() -> None:
    disabled, first = made("first")
    enabled, second = made("second")
    disabled.enabled = False
    services.save(disabled)
    unknown = "x" * 32
    assert getattr(find_caller([unknown, first, second]), "id", None) == enabled.pk
    assert getattr(find_caller([unknown, first]), "id", None) == disabled.pk
    assert find_caller([unknown] * MAX_CANDIDATES + [second]) is None
    assert find_caller([]) is None


@pytest.mark.django_db
def test_a_caller_has_the_choices_of_its_integration() -> None:
    integration, token = made()
    integration.severities = {"page": "critical", "ticket": None, "*": "warning"}
    integration.reopen_minutes = 0
    integration.stale_minutes = 30
    integration.grouping = Grouping.GROUP
    integration.source = Source.PARTNER
    services.save(integration)
    caller = find_caller([token])
    assert caller
    assert caller.severities["page"] == Severity.CRITICAL
    assert caller.severities["ticket"] is None
    assert caller.default_severity == Severity.WARNING
    assert (caller.reopen, caller.stale_after) == (timedelta(0), timedelta(minutes=30))
    assert caller.group
    assert caller.source == Source.PARTNER
    assert caller.user_id == integration.user_id
