"""GET /metrics of a running service: who may ask, what it says, and that a real Prometheus reads it."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from testing.receiver import LOOPBACK, Answer, Receiver, listening
from testing.service import Service, free_port, served

TOKEN = "a token for the tests"
SECONDS = 20
DASHBOARD = Path(settings.BASE_DIR) / "docs" / "grafana-dashboard.json"
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with listening() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def service(receiver: Receiver) -> Iterator[Service]:
    with served(METRICS_TOKEN=TOKEN, OUTBOUND_ALLOWED_NETWORKS=LOOPBACK) as service:
        service.manage("destination", "add", "webhook", "hook", receiver.url)
        yield service


def scrape(service: Service) -> Samples:
    response = service.send("GET", "/metrics", Authorization=f"Bearer {TOKEN}")
    assert response.status == 200, response.body
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(response.body.decode())
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((f"incidents_{name}", tuple(sorted(labels.items()))), 0.0)


def rises(service: Service, by: float, name: str, **labels: str) -> Callable[[], None]:
    """Return a function that waits until the metric is larger than now by at least so much."""
    before = value(scrape(service), name, **labels)

    def wait() -> None:
        deadline = time.monotonic() + SECONDS
        while (now := value(scrape(service), name, **labels)) < before + by:
            assert time.monotonic() < deadline, (name, labels, before, now)
            time.sleep(0.05)

    return wait


# ------------------------------------------------------------------ who may ask


@pytest.mark.django_db
def test_there_is_none_without_the_setting(client: Client, settings: Any) -> None:
    settings.METRICS_TOKEN = ""
    for headers in ({}, {"Authorization": "Bearer "}):
        assert client.get("/metrics", headers=headers).status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize(
    "given",
    ["", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer é"],
)
def test_a_wrong_token_is_401(client: Client, settings: Any, given: str) -> None:
    settings.METRICS_TOKEN = TOKEN
    response = client.get("/metrics", headers={"Authorization": given} if given else {})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert b"incidents_" not in response.content


@pytest.mark.django_db
def test_it_is_only_read(client: Client, settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN
    right = {"Authorization": f"bearer {TOKEN}"}
    assert client.post("/metrics", headers=right).status_code == 405
    response = client.get("/metrics", headers=right)
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert response.headers["Cache-Control"] == "no-store"


# ------------------------------------------------------------------ what it says


def test_incidents_are_told_by_status_source_and_severity(service: Service) -> None:
    waits = [
        rises(service, 2, "current", status="open", source="partner"),
        rises(service, 1, "unfinished", severity="critical"),
        rises(service, 1, "unfinished", severity="none"),
        rises(service, 2, "created_total", source="partner"),
        rises(service, 1, "repeated_total", source="partner"),
    ]
    token = service.token()
    body = {"token": token, "incident": "Fire", "source": "partner", "dedup_key": "metrics"}
    assert service.post("/incidents/create/", **body, severity="critical").status == 201
    assert service.post("/incidents/create/", **body, severity="critical").status == 200
    assert service.post("/incidents/create/", token=token, incident="Smoke", source="partner").status == 201
    for wait in waits:
        wait()


def test_the_times_to_the_first_action_and_to_the_resolution_are_histograms(service: Service) -> None:
    waits = [
        rises(service, 1, f"{name}_seconds_{suffix}", **labels)
        for name in ("first_action", "resolution")
        for suffix, labels in (("bucket", {"le": "60"}), ("bucket", {"le": "+Inf"}), ("count", {}))
    ]
    token = service.token()
    made = service.post("/incidents/create/", token=token, incident="Fire", source="operator").json()
    changed = service.post("/incidents/update/", token=token, id=made["data"]["id"], status="completed")
    assert changed.status == 200
    for wait in waits:
        wait()


def test_the_signals_of_hooks_are_counted_by_kind_and_outcome(service: Service) -> None:
    waits = [
        rises(service, 1, "hook_signals_total", kind="generic", outcome="created"),
        rises(service, 1, "hook_signals_total", kind="generic", outcome="repeated"),
        rises(service, 1, "repeated_total", source="monitoring"),
    ]
    hook = json.loads(service.manage("connect", "generic", "metrics", "--json"))["token"]
    body = json.dumps({"action": "trigger", "dedup_key": "disk", "summary": "Disk full"}).encode()
    for _twice in range(2):
        sent = service.send(
            "POST", "/hooks/generic/", body, Authorization=f"Bearer {hook}", Content_Type="application/json"
        )
        assert sent.status == 202, sent.body
    for wait in waits:
        wait()


def test_deliveries_are_told_with_their_attempts(service: Service, receiver: Receiver) -> None:
    succeeded = rises(service, 1, "delivery_attempts_total", transport="webhook", outcome="success")
    token = service.token()
    service.post("/incidents/create/", token=token, incident="Fire", source="operator")
    succeeded()
    failed = rises(service, 1, "delivery_attempts_total", transport="webhook", outcome="failure")
    pending = rises(service, 1, "deliveries_pending", transport="webhook")
    receiver.answer = lambda _received: Answer(503, {"Retry-After": "600"})
    service.post("/incidents/create/", token=token, incident="Fire", source="operator")
    failed()
    pending()
    found = scrape(service)
    assert value(found, "deliveries_oldest_pending_seconds", transport="webhook") > 0
    assert value(found, "deliveries_dead", transport="webhook") == 0
    assert time.time() - value(found, "dispatcher_last_tick_timestamp_seconds") < 15
    assert value(found, "database_size_bytes") > 100_000
    receiver.answer = lambda _received: Answer()


def test_requests_are_counted_by_route_and_no_path_makes_a_new_one(service: Service) -> None:
    name = "http_request_duration_seconds_count"
    waits = [
        rises(service, 1, name, method="POST", route="/incidents/get_all/", code="2xx"),
        rises(service, 3, name, method="GET", route="other", code="4xx"),
        rises(service, 1, name, method="other", route="/healthz", code="4xx"),
        rises(service, 2, name, method="GET", route="/incident/<int:pk>/", code="3xx"),
    ]
    token = service.token()
    service.post("/incidents/create/", token=token, incident="Fire", source="operator")
    service.post("/incidents/get_all/", token=token, limit=1)
    for path in ("/nope/1", "/incidents/nope/", "/nope/2", "/incident/1/", "/incident/2/"):
        service.send("GET", path)
    service.send("BREW", "/healthz")
    for wait in waits:
        wait()
    routes = {dict(labels)["route"] for metric, labels in scrape(service) if metric == f"incidents_{name}"}
    assert not [route for route in routes if "nope" in route]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_killed_worker_loses_no_count_and_leaves_no_more_files(service: Service) -> None:
    name, labels = (
        "http_request_duration_seconds_count",
        {"method": "GET", "route": "/healthz", "code": "2xx"},
    )
    for _number in range(20):
        service.send("GET", "/healthz")
    before = value(scrape(service), name, **labels)
    folder = Path(service.environment["DATA_DIR"]) / "metrics"
    children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children")
    for _again in range(3):
        killed = [int(pid) for pid in children.read_text().split()]
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + SECONDS
        while len(set(map(int, children.read_text().split())) - set(killed)) < len(killed):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    for _number in range(20):
        service.send("GET", "/healthz")
    assert value(scrape(service), name, **labels) == before + 20
    # Each process has a number of its own; one that replaces another may come before the other's is free.
    numbers = {path.stem.rpartition("_")[2] for path in folder.glob("*.db")}
    assert len(numbers) <= len(killed) + 1


# ------------------------------------------------------------------ Prometheus and Grafana


def expressions() -> list[str]:
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", [])]


def test_the_dashboard_shows_only_metrics_that_there_are(service: Service) -> None:
    there = {name for name, _labels in scrape(service)}
    shown = set(re.findall(r"\bincidents_\w+", " ".join(expressions())))
    assert shown
    assert shown <= there
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in there}
    assert families == {re.sub(r"_(bucket|count|sum)$", "", name) for name in shown}


@pytest.fixture
def prometheus(service: Service, tmp_path: Path) -> Iterator[str]:
    """Run Debian's Prometheus, which asks the service each second; yield its address."""
    program = shutil.which("prometheus")
    if not program:
        pytest.skip("Prometheus is not installed")
    (tmp_path / "token").write_text(TOKEN)
    config = {
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [
            {
                "job_name": "incidents",
                "authorization": {"credentials_file": str(tmp_path / "token")},
                "static_configs": [{"targets": [f"127.0.0.1:{service.port}"]}],
            }
        ],
    }
    (tmp_path / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML, too.
    address = f"127.0.0.1:{free_port()}"
    command = [
        program,
        f"--config.file={tmp_path / 'prometheus.yml'}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address={address}",
    ]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log)
    try:
        yield address
    finally:
        process.terminate()
        process.wait(30)


def query(prometheus: str, expression: str) -> list[dict[str, Any]]:
    connection = HTTPConnection(prometheus, timeout=SECONDS)
    connection.request("GET", f"/api/v1/query?{urlencode({'query': expression})}")
    with contextlib.closing(connection):
        result: list[dict[str, Any]] = json.load(connection.getresponse())["data"]["result"]
        return result


def test_a_real_prometheus_reads_it_and_computes_what_the_dashboard_shows(
    service: Service, prometheus: str
) -> None:
    service.send("GET", "/healthz")
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            found = query(prometheus, "count_over_time(up[1m])")
        except (OSError, ValueError):  # It does not listen yet, or says in plain text that it is not ready.
            found = []
        if found and float(found[0]["value"][1]) >= 3:
            break
        assert time.monotonic() < deadline, "Prometheus has read nothing"
        time.sleep(0.2)
    assert query(prometheus, "up")[0]["value"][1] == "1"
    assert query(prometheus, "incidents_build_info")
    for expression in expressions():
        computed = query(prometheus, expression.replace("$__rate_interval", "1m"))
        assert computed, expression


def test_without_the_setting_nothing_is_counted_and_the_client_library_is_not_loaded() -> None:
    code = (
        "import config.wsgi, sys; from common import metrics;"
        " print(metrics.counts, 'prometheus_client' in sys.modules)"
    )
    environment = os.environ | {"METRICS_TOKEN": "", "DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "None False", done.stderr
