"""`manage.py connect` for automation."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from integrations.authentication import find_caller
from integrations.models import Integration, Kind
from users.models import User

pytestmark = pytest.mark.django_db


def connect(*arguments: str) -> str:
    output = StringIO()
    call_command("connect", *arguments, stdout=output)
    return output.getvalue()


@pytest.mark.parametrize("kind", Kind.values)
def test_it_prints_the_url_and_a_token_that_is_valid(kind: str) -> None:
    printed: dict[str, str] = json.loads(connect(kind, "Main", "--json"))
    assert printed.keys() == {"url", "token"}
    assert printed["url"] == f"http://127.0.0.1:8000/hooks/{kind}/"
    caller = find_caller([printed["token"]])
    assert caller
    assert (caller.name, caller.kind, caller.source, caller.group) == ("Main", kind, "monitoring", False)


def test_without_json_it_prints_what_is_pasted_as_well() -> None:
    printed = connect("alertmanager", "Main", "--source", "partner", "--group")
    assert "- url: http://127.0.0.1:8000/hooks/alertmanager/" in printed
    assert "authorization: {type: Bearer, credentials: " in printed
    integration = Integration.objects.get()
    assert (integration.source, integration.grouping) == ("partner", "group")


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        (
            {"HOST_NAMES": ["incidents.example.com"], "HTTPS": True},
            "https://incidents.example.com/hooks/zabbix/",
        ),
        ({"HOST_NAMES": ["incidents.lan", "other"]}, "http://incidents.lan:8000/hooks/zabbix/"),
        ({"HOST": "::", "PORT": 8123}, "http://[::1]:8123/hooks/zabbix/"),
    ],
)
def test_the_url_is_that_of_the_settings(settings: dict[str, Any], url: str) -> None:
    with override_settings(**settings):
        assert json.loads(connect("zabbix", "Main", "--json"))["url"] == url


def test_rotate_prints_a_new_token() -> None:
    first = json.loads(connect("zabbix", "Main", "--json"))["token"]
    second = json.loads(connect("zabbix", "Main", "--rotate", "--json"))
    assert second["token"] != first
    assert second["url"] == "http://127.0.0.1:8000/hooks/zabbix/"
    assert find_caller([first])
    assert find_caller([second["token"]])


def test_disable_and_enable_switch_it_off_and_on() -> None:
    connect("zabbix", "Main")
    assert json.loads(connect("zabbix", "Main", "--disable", "--json")) == {"enabled": False}
    assert not Integration.objects.get().enabled
    connect("zabbix", "Main", "--enable")
    assert Integration.objects.get().enabled


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("zabbix", "olga"), "taken"),
        (("zabbix", " "), "blank"),
        (("zabbix", "Other", "--rotate"), "no connection of the kind zabbix with the name 'Other'"),
        (("zabbix", "Other", "--disable"), "no connection"),
        (("grafana", "Main", "--disable"), "no connection"),
        (("nagios", "Main"), "invalid choice"),
        (("zabbix", "Main", "--source", "moon"), "invalid choice"),
        (("zabbix", "Main", "--rotate", "--disable"), "not allowed"),
    ],
)
def test_a_wrong_call_says_why_and_changes_nothing(
    olga: User, arguments: tuple[str, ...], message: str
) -> None:
    connect("zabbix", "Main")
    before = list(Integration.objects.values())
    with pytest.raises(CommandError, match=message):
        connect(*arguments)
    assert list(Integration.objects.values()) == before
