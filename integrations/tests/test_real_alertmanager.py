"""Debian's own Prometheus and Alertmanager report to the service: nothing here is imitated.

They skip where the two programs are not installed (Debian: prometheus prometheus-alertmanager).
"""

import contextlib
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from integrations.models import Kind
from integrations.setup_texts import setup_texts
from testing.service import Service, empty_database, free_port, served

PROMETHEUS, ALERTMANAGER = shutil.which("prometheus"), shutil.which("prometheus-alertmanager")
MAX_SECONDS = 45

pytestmark = pytest.mark.skipif(
    not (PROMETHEUS and ALERTMANAGER), reason="prometheus and prometheus-alertmanager are not installed"
)

INTERVALS = "  group_by: [alertname]\n  group_wait: 100ms\n  group_interval: 500ms\n  repeat_interval: 1s\n"
PROMETHEUS_CONFIG = """
global: {{scrape_interval: 250ms, scrape_timeout: 250ms, evaluation_interval: 250ms}}
rule_files: [rules.yml]
scrape_configs: [{{job_name: node, static_configs: [{{targets: ['127.0.0.1:{target}']}}]}}]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{alertmanager}']}}]}}]}}
"""
RULES = """
groups:
- name: disks
  rules:
  - alert: DiskFull
    expr: disk_used_percent > 90
    labels: {severity: critical}
    annotations: {summary: 'Disk {{ $labels.disk }} is {{ $value }} % full'}
"""


def eventually(condition: Callable[[], Any]) -> Any:
    """Return the first true value of `condition`."""
    deadline = time.monotonic() + MAX_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(URLError, OSError):
            if found := condition():
                return found
        time.sleep(0.05)
    raise AssertionError("it did not come about")


def is_ready(url: str) -> bool:
    with urlopen(url, timeout=1) as response:  # noqa: S310  # on loopback
        return bool(response.status == HTTPStatus.OK)


@contextlib.contextmanager
def running(folder: Path, *command: str | Path | None, ready: str) -> Iterator[None]:
    """Run a program, and wait until the URL `ready` answers."""
    log = folder / f"log-{time.monotonic_ns()}"
    with log.open("wb") as output:
        process = subprocess.Popen(list(map(str, command)), cwd=folder, stdout=output, stderr=output)
    try:
        eventually(lambda: process.poll() is not None or is_ready(ready))
        assert process.poll() is None, log.read_text()
        yield
    finally:
        process.kill()
        process.wait()


@dataclass
class Alertmanager:
    """Alertmanager as its user sets it up: with the text of the page, and short intervals."""

    folder: Path
    port: int = field(default_factory=free_port)
    cluster_port: int = field(default_factory=free_port)

    def run(self, service_url: str, token: str, peer: "Alertmanager | None" = None) -> Any:
        [text] = setup_texts(Kind.ALERTMANAGER, service_url, token)
        config = text.text.replace("  receiver: incidents\n", f"  receiver: incidents\n{INTERVALS}", 1)
        (self.folder / f"{self.port}.yml").write_text(config)
        cluster = (
            [f"--cluster.listen-address=127.0.0.1:{self.cluster_port}"]
            if peer
            else ["--cluster.listen-address="]
        )
        if peer:
            cluster += [
                f"--cluster.advertise-address=127.0.0.1:{self.cluster_port}",
                f"--cluster.peer=127.0.0.1:{peer.cluster_port}",
                # Each posts without waiting for what the other has sent, as after a split of the network.
                "--cluster.peer-timeout=0s",
                "--cluster.settle-timeout=100ms",
            ]
        return running(
            self.folder,
            ALERTMANAGER,
            f"--config.file={self.port}.yml",
            f"--storage.path=storage-{self.port}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            *cluster,
            ready=f"http://127.0.0.1:{self.port}/-/ready",
        )

    def alert(self, name: str, *, over: bool = False) -> None:
        """Say what a Prometheus says of an alert: that it fires, or that it is over."""
        end = datetime.now(UTC) + (timedelta(0) if over else timedelta(hours=1))
        labels = {"alertname": name, "severity": "critical"}
        alert = {"labels": labels, "annotations": {"summary": f"{name} is on"}, "endsAt": end.isoformat()}
        request = Request(
            f"http://127.0.0.1:{self.port}/api/v2/alerts",
            data=json.dumps([alert]).encode(),
            headers={"Content-Type": "application/json"},
        )
        urlopen(request, timeout=10).close()  # noqa: S310  # to loopback


class Disk(ThreadingHTTPServer):
    """A target of Prometheus: one disk, so much of it used."""

    used = 50

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), DiskHandler)

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=[0.05], daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.shutdown()
        self.server_close()


class DiskHandler(BaseHTTPRequestHandler):
    server: Disk

    def do_GET(self) -> None:
        body = f'disk_used_percent{{disk="sda"}} {self.server.used}\n'.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def only_incident(service: Service, **expected: Any) -> dict[str, Any]:
    """Wait until the one incident has these fields; return it with the kinds of its events."""

    def look() -> dict[str, Any] | None:
        found = service.rows(
            "SELECT id, description, status, severity, source, repeats FROM incidents_incident"
        )
        assert len(found) <= 1, found
        return found[0] if found and expected.items() <= found[0].items() else None

    incident: dict[str, Any] = eventually(look)
    events = service.rows("SELECT kind FROM incidents_event ORDER BY id")
    return incident | {"events": [event["kind"] for event in events]}


def connected(service: Service) -> str:
    token: str = json.loads(service.manage("connect", "alertmanager", "Prometheus", "--json"))["token"]
    return token


def test_a_rule_of_prometheus_fires_repeats_and_resolves(tmp_path: Path) -> None:
    alertmanager, port = Alertmanager(tmp_path), free_port()
    with served(WEB_CONCURRENCY="1") as service, Disk() as disk:
        config = PROMETHEUS_CONFIG.format(target=disk.server_address[1], alertmanager=alertmanager.port)
        (tmp_path / "prometheus.yml").write_text(config)
        (tmp_path / "rules.yml").write_text(RULES)
        prometheus = running(
            tmp_path,
            PROMETHEUS,
            "--config.file=prometheus.yml",
            f"--web.listen-address=127.0.0.1:{port}",
            "--storage.tsdb.path=tsdb",
            "--rules.alert.resend-delay=1s",
            ready=f"http://127.0.0.1:{port}/-/ready",
        )
        with alertmanager.run(service.url, connected(service)), prometheus:
            disk.used = 97
            incident = only_incident(service, status="open")
            assert incident["description"].startswith("Disk sda is 97 % full")
            assert (incident["severity"], incident["source"]) == ("critical", "monitoring")
            eventually(lambda: only_incident(service, status="open")["repeats"] >= 2)
            assert only_incident(service)["events"] == ["created"]
            disk.used = 50
            over = only_incident(service, status="resolved")
            assert (over["id"], over["events"]) == (incident["id"], ["created", "status_changed"])


def test_two_alertmanagers_of_a_cluster_make_one_incident(tmp_path: Path) -> None:
    first, second = Alertmanager(tmp_path), Alertmanager(tmp_path)
    with served() as service:
        token = connected(service)
        with first.run(service.url, token, second), second.run(service.url, token, first):
            for peer in (first, second):
                peer.alert("Cluster")
            eventually(lambda: only_incident(service, status="open")["repeats"] >= 4)
            for peer in (first, second):
                peer.alert("Cluster", over=True)
            only_incident(service, status="resolved")
            time.sleep(2)  # The other peer's last posts are late.
            over = only_incident(service)
            assert (over["status"], over["events"]) == ("resolved", ["created", "status_changed"])


def test_what_happens_while_the_service_is_stopped_is_not_lost(tmp_path: Path) -> None:
    alertmanager = Alertmanager(tmp_path)
    with empty_database() as database_url:
        place = {
            "DATA_DIR": str(tmp_path / "data"),
            "DATABASE_URL": database_url,
            "PORT": str(free_port()),
            "WEB_CONCURRENCY": "1",
        }
        with served(**place) as service:
            url, token = service.url, connected(service)
        with alertmanager.run(url, token):
            alertmanager.alert("Outage")
            time.sleep(1)  # for a post that fails
            with served(**place) as service:
                assert only_incident(service, status="open")["events"] == ["created"]
            alertmanager.alert("Outage", over=True)
            time.sleep(1)
            with served(**place) as service:
                assert only_incident(service, status="resolved")["events"] == ["created", "status_changed"]
