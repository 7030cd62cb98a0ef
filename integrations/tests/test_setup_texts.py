"""What is pasted into a sender is in that sender's own form, with the address and the token in it."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from integrations.inbound import zabbix
from integrations.inbound.healthchecks import parse as parse_healthchecks
from integrations.inbound.tests.examples import CONTEXT
from integrations.models import Kind
from integrations.setup_texts import setup_texts
from integrations.zabbix_media_type import PARAMETERS

URL, TOKEN = "https://incidents.example.com", "0123456789abcdef" * 2


def texts(kind: Kind) -> list[str]:
    return [text.text for text in setup_texts(kind, URL, TOKEN)]


@pytest.mark.parametrize("kind", Kind)
def test_every_sender_is_given_the_address_and_the_token(kind: Kind) -> None:
    whole = "\n".join(texts(kind))
    assert f"{URL}/hooks/{kind.value}/" in whole
    assert TOKEN in whole
    assert all(text.place for text in setup_texts(kind, URL, TOKEN))


def test_the_configuration_of_alertmanager() -> None:
    [text] = texts(Kind.ALERTMANAGER)
    [receiver] = yaml.safe_load(text)["receivers"]
    [webhook] = receiver["webhook_configs"]
    assert webhook == {
        "url": f"{URL}/hooks/alertmanager/",
        "send_resolved": True,
        "max_alerts": 0,
        "http_config": {
            "authorization": {"type": "Bearer", "credentials": TOKEN},
            "follow_redirects": False,
        },
    }


@pytest.mark.skipif(not shutil.which("amtool"), reason="amtool is not on this machine")
def test_alertmanagers_own_tool_accepts_it(tmp_path: Path) -> None:
    path = tmp_path / "alertmanager.yml"
    path.write_text(texts(Kind.ALERTMANAGER)[0])
    command = ["amtool", "check-config", str(path)]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert checked.returncode == 0, checked.stderr


def test_the_headers_of_uptime_kuma_are_json() -> None:
    url, headers = texts(Kind.UPTIME_KUMA)
    assert url == f"{URL}/hooks/uptime-kuma/"
    assert json.loads(headers) == {"Authorization": f"Bearer {TOKEN}"}


def test_the_media_type_of_zabbix_has_every_parameter_that_is_read() -> None:
    [text] = texts(Kind.ZABBIX)
    [media_type] = yaml.safe_load(text)["zabbix_export"]["media_types"]
    parameters = {one["name"]: one["value"] for one in media_type["parameters"]}
    assert parameters.pop("hook_url") == f"{URL}/hooks/zabbix/"
    assert parameters.pop("hook_token") == TOKEN
    assert parameters == PARAMETERS
    assert all(f'"{name}"' in (zabbix.__doc__ or "") for name in PARAMETERS)
    assert media_type["type"] == "WEBHOOK"
    assert media_type["process_tags"] == "YES"


def test_the_body_of_healthchecks_is_a_payload_for_any_name_and_fits() -> None:
    _url, body, header = texts(Kind.HEALTHCHECKS)
    assert header == f"Authorization: Bearer {TOKEN}"
    assert len(body) <= 1000
    filled = (
        body.replace("$NAME_JSON", json.dumps('db "1"'))
        .replace("$BODY_JSON", json.dumps("a\nb"))
        .replace("$CODE", "a-b-c")
        .replace("$STATUS", "down")
        .replace("$SLUG", "db-1")
        .replace("$NOW", "2026-08-22T14:00:00Z")
        .replace("$EXITSTATUS", "-1")
    )
    [signal] = parse_healthchecks(json.loads(filled), CONTEXT).signals
    assert (signal.key, signal.title, signal.details) == ("hc-a-b-c", 'db "1"', "a\nb")


def test_pagerduty_clients_get_the_path_of_the_events_api() -> None:
    assert texts(Kind.PAGERDUTY) == [f"{URL}/hooks/pagerduty/v2/enqueue", TOKEN]
