"""Record what Prometheus' Alertmanager really posts, as the payloads that the tests read.

    apt-get install prometheus prometheus-alertmanager  # and stop the services that this starts
    python integrations/inbound/tests/record_alertmanager.py /usr/bin [FOLDER]

The first argument is where the two programs are; `FOLDER` is `payloads/` beside this file unless it is
given. Everything runs on loopback for about half a minute: one Prometheus whose rule fires for two disks and
then resolves, and a cluster of two Alertmanagers.
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

PORT, PROMETHEUS, FIRST, SECOND = 19300, 19301, 19302, 19303
CLUSTER = {FIRST: 19304, SECOND: 19305}
SECONDS = 60

PROMETHEUS_CONFIG = f"""
global: {{scrape_interval: 1s, evaluation_interval: 1s, external_labels: {{cluster: test}}}}
rule_files: [rules.yml]
scrape_configs: [{{job_name: node, static_configs: [{{targets: ['127.0.0.1:{PORT}']}}]}}]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{FIRST}', '127.0.0.1:{SECOND}']}}]}}]}}
"""
RULES = """
groups:
- name: disks
  rules:
  - alert: DiskFull
    expr: disk_used_percent > 90
    labels: {severity: critical, team: ops}
    annotations:
      summary: 'Disk {{ $labels.disk }} is {{ $value }} % full'
      description: 'Диск почти заполнен: <{{ $labels.disk }}> & "{{ $labels.instance }}"'
      runbook_url: https://wiki.example/disk-full
"""
ALERTMANAGER_CONFIG = f"""
route:
  receiver: ops.web
  group_by: [alertname]
  group_wait: 2s
  group_interval: 2s
  repeat_interval: 4s
  routes:
  - {{receiver: cut, continue: true, matchers: [team="ops"]}}
  - {{receiver: pager, continue: true, matchers: [team="ops"], group_by: [alertname, team]}}
  - {{receiver: ops.web}}
receivers:
- name: ops.web
  webhook_configs: [{{url: 'http://127.0.0.1:{PORT}/ops.web'}}]
- name: cut
  webhook_configs: [{{url: 'http://127.0.0.1:{PORT}/cut', max_alerts: 1}}]
- name: pager
  pagerduty_configs:
  - {{url: 'http://127.0.0.1:{PORT}/pager', routing_key: '{"0123456789abcdef" * 2}', severity: critical}}
"""

disks = {"sda": 50, "sdb": 50}
posts: list[tuple[str, str, dict[str, Any]]] = []


class Receiver(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        lines = [f'disk_used_percent{{disk="{name}"}} {used}\n' for name, used in disks.items()]
        self.reply(200, "".join(lines).encode())

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        # The external URL tells which Alertmanager of the cluster posts.
        posts.append((self.path, body.get("externalURL") or body["client_url"], body))
        self.reply(202, b'{"status": "success"}')

    def reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def find(
    path: str, fits: Callable[[dict[str, Any]], bool], skip: int = 0, port: int = FIRST
) -> dict[str, Any]:
    """Wait for the post number `skip` to `path` from the Alertmanager on `port` that `fits`."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        found = [body for to, origin, body in posts if to == path and f":{port}" in origin and fits(body)]
        if len(found) > skip:
            return found[skip]
        time.sleep(0.1)
    raise TimeoutError(path)


def statuses(*expected: str) -> Callable[[dict[str, Any]], bool]:
    return lambda body: sorted(alert["status"] for alert in body.get("alerts", [])) == sorted(expected)


def of(alertname: str, *expected: str) -> Callable[[dict[str, Any]], bool]:
    return lambda body: body["groupLabels"].get("alertname", "") == alertname and statuses(*expected)(body)


def record(folder: Path) -> None:
    recorded: dict[str, dict[str, Any]] = {}
    disks.update(sda=97, sdb=95)
    recorded["firing"] = find("/ops.web", of("DiskFull", "firing", "firing"))
    recorded["firing_of_peer"] = find("/ops.web", of("DiskFull", "firing", "firing"), port=SECOND)
    recorded["repeat"] = find("/ops.web", of("DiskFull", "firing", "firing"), skip=1)
    recorded["truncated"] = find("/cut", lambda body: body["truncatedAlerts"] == 1)
    recorded["pagerduty_trigger"] = find("/pager", lambda body: body["event_action"] == "trigger")
    push = Request(
        f"http://127.0.0.1:{FIRST}/api/v2/alerts",
        data=json.dumps([{"labels": {"host": "db1"}}]).encode(),
        headers={"Content-Type": "application/json"},
    )
    urlopen(push).close()  # noqa: S310  # to loopback
    recorded["minimal"] = find("/ops.web", of("", "firing"))
    disks.update(sda=50)
    recorded["mixed"] = find("/ops.web", of("DiskFull", "firing", "resolved"))
    disks.update(sdb=50)
    recorded["resolved"] = find("/ops.web", lambda body: body["status"] == "resolved")
    recorded["pagerduty_resolve"] = find("/pager", lambda body: body["event_action"] == "resolve")
    for name, body in recorded.items():
        text = json.dumps(body, ensure_ascii=False, indent=1) + "\n"
        (folder / f"alertmanager_{name}.json").write_text(text, encoding="utf-8")


def run(programs: Path, folder: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", PORT), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch, "prometheus.yml").write_text(PROMETHEUS_CONFIG, encoding="utf-8")
        Path(scratch, "rules.yml").write_text(RULES, encoding="utf-8")
        Path(scratch, "alertmanager.yml").write_text(ALERTMANAGER_CONFIG, encoding="utf-8")
        commands: list[list[str | Path]] = [
            [
                programs / "prometheus",
                f"--web.listen-address=127.0.0.1:{PROMETHEUS}",
                "--config.file=prometheus.yml",
                "--storage.tsdb.path=tsdb",
            ]
        ]
        for port, other in ((FIRST, SECOND), (SECOND, FIRST)):
            commands.append([
                programs / "prometheus-alertmanager",
                "--config.file=alertmanager.yml",
                f"--storage.path=alertmanager-{port}",
                f"--web.listen-address=127.0.0.1:{port}",
                f"--web.external-url=http://127.0.0.1:{port}",
                f"--cluster.listen-address=127.0.0.1:{CLUSTER[port]}",
                f"--cluster.advertise-address=127.0.0.1:{CLUSTER[port]}",
                f"--cluster.peer=127.0.0.1:{CLUSTER[other]}",
                # The second does not wait for what the first has sent, as after a split of the network.
                "--cluster.peer-timeout=0s",
                "--cluster.settle-timeout=1s",
            ])  # fmt: skip
        processes = [
            subprocess.Popen(command, cwd=scratch, stderr=Path(scratch, f"log-{number}").open("wb"))  # noqa: SIM115
            for number, command in enumerate(commands)
        ]
        try:
            time.sleep(5)
            record(folder)
        except TimeoutError:
            for log in Path(scratch).glob("log-*"):
                sys.stderr.write(log.read_text(encoding="utf-8")[-2000:])
            raise
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(10)
            server.shutdown()


if __name__ == "__main__":
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).parent / "payloads"
    run(Path(sys.argv[1]).resolve(), target)
