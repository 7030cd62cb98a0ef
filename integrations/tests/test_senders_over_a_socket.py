"""The senders' own requests, byte by byte, against the service as it is started."""

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from integrations.inbound.tests.examples import PAYLOADS, load
from integrations.inbound.tests.test_requests import REQUESTS
from integrations.inbound.tests.test_requests import TOKEN as RECORDED_TOKEN
from integrations.models import Kind
from integrations.setup_texts import setup_texts
from testing.service import Response, Service, served


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with served(WEB_CONCURRENCY="1") as running:
        yield running


@pytest.fixture(scope="module")
def tokens(service: Service) -> dict[str, str]:
    return {kind: new_token(service, kind, f"The {kind}") for kind in Kind.values}


def new_token(service: Service, kind: str, name: str) -> str:
    token: str = json.loads(service.manage("connect", kind, name, "--json"))["token"]
    return token


def outcomes(response: Response) -> list[str]:
    assert response.status == 202, response.body
    return [result["outcome"] for result in response.json()["results"]]


def incident(service: Service, response: Response) -> dict[str, Any]:
    """Return REST's view of the incident of a response's first result."""
    pk = response.json()["results"][0]["incident"]
    found = service.send("GET", f"/api/incidents/{pk}/", Authorization=f"Bearer {api_token(service)}")
    content: dict[str, Any] = found.json()
    return content


api_tokens: dict[int, str] = {}


def api_token(service: Service) -> str:
    if service.port not in api_tokens:
        api_tokens[service.port] = service.token()
    return api_tokens[service.port]


def test_alertmanager_posts_json_with_a_bearer_token(service: Service, tokens: dict[str, str]) -> None:
    def post(name: str) -> Response:
        body = json.dumps(load(name)).encode()
        return service.send(
            "POST",
            "/hooks/alertmanager/",
            body,
            User_Agent="Alertmanager/0.25.0",
            Content_Type="application/json",
            Authorization=f"Bearer {tokens['alertmanager']}",
        )

    assert outcomes(post("alertmanager_firing")) == ["created", "created"]
    assert outcomes(post("alertmanager_firing_of_peer")) == ["repeated", "repeated"]
    assert outcomes(post("alertmanager_repeat")) == ["repeated", "repeated"]
    assert sorted(outcomes(post("alertmanager_mixed"))) == ["repeated", "resolved"]
    last = post("alertmanager_resolved")
    assert "resolved" in outcomes(last)
    assert incident(service, last)["status"] == "resolved"


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_grafana_posts_or_puts_and_closes_its_connection(
    service: Service, tokens: dict[str, str], method: str
) -> None:
    fire, over = load("grafana_firing"), load("grafana_firing")
    for payload in (fire, over):
        for alert in payload["alerts"]:
            alert["fingerprint"] = method.lower()
    for alert in over["alerts"]:
        alert |= {"status": "resolved", "endsAt": "2036-08-22T15:00:00Z"}

    def send(payload: dict[str, Any]) -> Response:
        return service.send(
            method,
            "/hooks/grafana",
            json.dumps(payload).encode(),
            User_Agent="Grafana",
            Content_Type="application/json",
            Authorization=f"Bearer {tokens['grafana']}",
            Connection="close",
        )

    assert outcomes(send(fire))[0] == "created"
    assert outcomes(send(over))[0] == "resolved"


def test_grafana_puts_the_token_into_basic_or_the_url(service: Service, tokens: dict[str, str]) -> None:
    body = json.dumps(load("grafana_test")).encode()
    basic = base64.b64encode(f"grafana:{tokens['grafana']}".encode()).decode()
    assert outcomes(service.send("POST", "/hooks/grafana/", body, Authorization=f"Basic {basic}")) == ["test"]
    assert outcomes(service.send("POST", f"/hooks/grafana/{tokens['grafana']}", body)) == ["test"]


def test_every_request_of_uptime_kuma_opens_the_same_incident(
    service: Service, tokens: dict[str, str]
) -> None:
    responses = [
        service.send(
            "POST",
            "/hooks/uptime-kuma/",
            REQUESTS[name]["body"].encode(),
            User_Agent="Uptime-Kuma/2.5.3",
            Content_Type=REQUESTS[name]["content_type"],
            X_Api_Key=tokens["uptime-kuma"],
        )
        for name in ("json", "form", "custom", "custom_header")
    ]
    assert [outcome for response in responses for outcome in outcomes(response)] == [
        "created",
        *["repeated"] * 3,
    ]
    assert incident(service, responses[-1])["description"].startswith("Shop: connect ECONNREFUSED")


def test_uptime_kuma_tests_by_a_url_with_userinfo_and_resolves(
    service: Service, tokens: dict[str, str]
) -> None:
    recorded = REQUESTS["userinfo"]["authorization"].removeprefix("Basic ")
    userinfo = base64.b64decode(recorded).decode().replace(RECORDED_TOKEN, tokens["uptime-kuma"])
    basic = base64.b64encode(userinfo.encode()).decode()
    response = service.send(
        "POST", "/hooks/uptime-kuma/", REQUESTS["userinfo"]["body"].encode(), Authorization=f"Basic {basic}"
    )
    assert outcomes(response) == ["test"]
    down, up = load("uptime_kuma_down"), load("uptime_kuma_up")
    for payload, outcome in ((down, "created"), (up, "resolved")):
        payload["monitor"]["id"] = payload["heartbeat"]["monitorID"] = 99
        body = json.dumps(payload).encode()
        sent = service.send("POST", "/hooks/uptime-kuma/", body, X_Api_Key=tokens["uptime-kuma"])
        assert outcomes(sent) == [outcome]


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", ""])
def test_zabbix_posts_texts(service: Service, tokens: dict[str, str], content_type: str) -> None:
    def post(name: str) -> Response:
        body = json.dumps(load(name) | {"event_id": f"83{len(content_type)}"}).encode()
        authorization = f"Bearer {tokens['zabbix']}"
        return service.send(
            "POST", "/hooks/zabbix/", body, Content_Type=content_type, Authorization=authorization
        )

    first = post("zabbix_problem")
    assert outcomes(first) == ["created"]
    assert re.fullmatch(r"http://localhost/incident/\d+/", first.json()["results"][0]["url"])
    assert outcomes(post("zabbix_acknowledged")) == ["acknowledged"]
    assert outcomes(post("zabbix_commented")) == ["noted"]
    over = post("zabbix_recovery")
    assert outcomes(over) == ["resolved"]
    assert incident(service, over)["status"] == "resolved"


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_healthchecks_sends_no_content_type(service: Service, tokens: dict[str, str], method: str) -> None:
    def send(name: str) -> Response:
        body = json.dumps(load(name) | {"code": method}).encode()
        authorization = f"Bearer {tokens['healthchecks']}"
        return service.send(
            method, "/hooks/healthchecks/", body, User_Agent="healthchecks.io", Authorization=authorization
        )

    assert outcomes(send("healthchecks_down")) == ["created"]
    assert outcomes(send("healthchecks_up")) == ["resolved"]
    assert outcomes(send("healthchecks_test")) == ["test"]


@pytest.mark.parametrize(
    "path", ["/hooks/pagerduty/v2/enqueue", "/hooks/pagerduty/v2/enqueue/", "/hooks/pagerduty"]
)
def test_pagerduty_clients_get_exactly_what_they_check(
    service: Service, tokens: dict[str, str], path: str
) -> None:
    for name in sorted(PAYLOADS.glob("*pagerduty_*.json")):
        event = load(name.stem) | {"routing_key": tokens["pagerduty"]}
        response = service.send("POST", path, json.dumps(event).encode(), Content_Type="application/json")
        assert response.status == 202, name
        content = response.json()
        assert (content["status"], content["message"]) == ("success", "Event processed")
        # Gatus needs it to resolve what it opened with an empty one.
        assert content["dedup_key"] == (event["dedup_key"] or content["dedup_key"])
        assert content["dedup_key"]


def test_gatus_resolves_with_the_key_that_it_was_given(service: Service, tokens: dict[str, str]) -> None:
    def send(event: dict[str, Any]) -> Response:
        body = json.dumps(event | {"routing_key": tokens["pagerduty"]}).encode()
        return service.send("POST", "/hooks/pagerduty/v2/enqueue", body)

    opened = send(load("pagerduty_gatus"))
    assert outcomes(opened) == ["created"]
    over = send({"event_action": "resolve", "dedup_key": opened.json()["dedup_key"]})
    assert outcomes(over) == ["resolved"]
    assert over.json()["results"][0]["incident"] == opened.json()["results"][0]["incident"]


def test_pagerduty_errors_name_the_field(service: Service, tokens: dict[str, str]) -> None:
    for event, field in (
        ({}, "event_action"),
        ({"event_action": "explode"}, "event_action"),
        ({"event_action": "trigger", "payload": {}}, "payload.summary"),
        ({"event_action": "resolve"}, "dedup_key"),
    ):
        body = json.dumps(event | {"routing_key": tokens["pagerduty"]}).encode()
        response = service.send("POST", "/hooks/pagerduty/v2/enqueue", body)
        content = response.json()
        assert (response.status, content["status"]) == (400, "invalid event")
        assert content["message"] == "Event object is invalid"
        assert field in content["errors"][0]


def test_a_body_in_chunks_and_one_behind_100_continue_are_read(
    service: Service, tokens: dict[str, str]
) -> None:
    body = json.dumps({"title": "Chunked", "dedup_key": "chunked"}).encode()
    head = "POST /hooks/generic/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    head += f"X-Api-Key: {tokens['generic']}\r\n"
    chunks = b"".join(b"%x\r\n%s\r\n" % (1, body[i : i + 1]) for i in range(len(body))) + b"0\r\n\r\n"
    chunked = service.raw(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
    assert outcomes(chunked) == ["created"]
    large = json.dumps({"title": "Large", "dedup_key": "large", "details": "x" * 3_000_000}).encode()
    assert outcomes(service.send("POST", "/hooks/generic/", large, X_Api_Key=tokens["generic"])) == [
        "created"
    ]
    too_large = service.send("POST", "/hooks/generic/", b" " * (4 * 2**20 + 1), X_Api_Key=tokens["generic"])
    assert too_large.status == 413


# ------------------------------------------------------------------ what the setup texts say


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not on this machine")
def test_the_curl_lines_of_the_setup_texts_work(
    service: Service, tokens: dict[str, str], tmp_path: Path
) -> None:
    shell, cron, nagios = [text.text for text in setup_texts(Kind.GENERIC, service.url, tokens["generic"])]

    def run(script: str) -> dict[str, Any]:
        done = subprocess.run(
            ["/bin/sh", "-c", script], capture_output=True, text=True, timeout=60, check=True
        )
        content: dict[str, Any] = json.loads(done.stdout)
        return content

    assert run(shell)["results"][0]["outcome"] == "created"
    job = "/usr/local/bin/backup.sh"
    assert job in cron
    assert cron.count("\n") == 1
    assert run(cron.replace(job, "true"))["results"][0]["outcome"] == "ignored"
    assert run(cron.replace(job, "false"))["results"][0]["outcome"] == "created"
    assert run(cron.replace(job, "true"))["results"][0]["outcome"] == "resolved"
    [command] = re.findall(r"command_line (.*)", nagios)
    for kind, state, outcome in (
        ("PROBLEM", "CRITICAL", "created"),
        ("PROBLEM", "CRITICAL", "repeated"),
        ("ACKNOWLEDGEMENT", "CRITICAL", "acknowledged"),
        ("RECOVERY", "OK", "resolved"),
    ):
        macros = {
            "SERVICEDESC": "Disk /var & co",
            "HOSTNAME": "db1",
            "NOTIFICATIONTYPE": kind,
            "SERVICESTATE": state,
            "SERVICEOUTPUT": "DISK 97% = full",
        }
        line = re.sub(r"\$([A-Z]+)\$", lambda found, macros=macros: macros[found[1]], command)  # type: ignore[misc]
        assert run(line)["results"][0]["outcome"] == outcome


@pytest.mark.skipif(not shutil.which("node"), reason="node is not on this machine")
@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not on this machine")
def test_the_script_of_the_zabbix_media_type_works(
    service: Service, tokens: dict[str, str], tmp_path: Path
) -> None:
    [text] = setup_texts(Kind.ZABBIX, service.url, tokens["zabbix"])
    [media_type] = yaml.safe_load(text.text)["zabbix_export"]["media_types"]
    fixed = {one["name"]: one["value"] for one in media_type["parameters"] if one["name"].startswith("hook_")}
    program = tmp_path / "zabbix.js"
    program.write_text(
        HTTP_REQUEST + f"console.log((function (value) {{\n{media_type['script']}\n}})(process.argv[2]));"
    )

    def run(parameters: dict[str, str]) -> "subprocess.CompletedProcess[str]":
        value = json.dumps(load("zabbix_problem") | {"event_id": "node"} | fixed | parameters)
        command = ["node", str(program), value]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    opened = json.loads(run({}).stdout)
    assert re.fullmatch(rf"{service.url}/incident/\d+/", opened["tags"]["__incident_url"])
    assert json.loads(run({"event_value": "0"}).stdout) == opened
    refused = run({"hook_token": "x" * 32})
    assert "HTTP 401" in refused.stderr
    assert "Authorization: Bearer" in refused.stderr


# Zabbix's object of this name, on top of curl: Node has no request that waits.
HTTP_REQUEST = """
function HttpRequest() { this.headers = []; this.status = 0; }
HttpRequest.prototype.addHeader = function (header) { this.headers.push('-H', header); };
HttpRequest.prototype.getStatus = function () { return this.status; };
HttpRequest.prototype.post = function (url, body) {
    var options = ['-sS', '-w', '\\n%{http_code}', '--data-binary', '@-', url].concat(this.headers);
    var output = require('child_process').execFileSync('curl', options, {input: body}).toString();
    var end = output.lastIndexOf('\\n');
    this.status = Number(output.slice(end + 1));
    return output.slice(0, end);
};
"""


def test_nothing_of_a_token_is_in_the_services_log(service: Service, tokens: dict[str, str]) -> None:
    for kind, token in tokens.items():
        service.send("POST", f"/hooks/{kind}/", b"{}", X_Api_Key=token)
    service.send("POST", f"/hooks/generic/{tokens['generic']}/", b"{")
    service.send("GET", f"/hooks/generic/{tokens['generic']}")
    service.send("POST", f"/hooks/generic/?token={tokens['generic']}", b"{}")
    service.raw(f"POST /hooks/generic/{tokens['generic']} HTTP/9.9\r\nBad\r\n\r\n".encode())
    log = (service.folder / "log").read_text()
    assert "/hooks/generic/***" in log
    assert not [token for token in tokens.values() if token in log]
    assert "Traceback" not in log
