"""The servers under test, each with its own folder, port and database.

with started(scratch, [OURS], rows=100_000) as [server]:
    server.call("list")     the request of this workload there
"""

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench import processes
from bench.http_client import Client, NoResponse
from bench.processes import PROJECT, WORKERS, Memory
from bench.workloads import PASSWORD, Call, hook_call, post_call, rest_call

PORTS = range(8500, 8600)
MAX_START_SECONDS = 60

Command = list[str]


@dataclass(frozen=True)
class Kind:
    """One of the designs that are compared."""

    name: str
    command: Command
    project: Path = PROJECT
    rest_only: bool = False
    has_rest: bool = True
    has_hooks: bool = False

    @property
    def database(self) -> str:
        return "db.sqlite3" if self.rest_only else "incidents.sqlite3"

    def has(self, workload: str) -> bool:
        if workload.startswith("hook"):
            return self.has_hooks
        return not (self.rest_only and workload == "token") and (self.has_rest or "page" not in workload)


def gunicorn(*options: str) -> Command:
    return [sys.executable, "-m", "gunicorn", *options]


SOCKET = ("--bind", "127.0.0.1:{port}", "--workers", str(WORKERS), "--no-control-socket")
SYNC = (*SOCKET, "--worker-class", "sync")
SERVICE_CLASS = "operations.gunicorn_app.ServiceWorker"
SERVICE_WORKER = (*SOCKET, "--worker-class", SERVICE_CLASS, "--threads", "4", "--keep-alive", "75")

OURS = Kind("the service", [sys.executable, "manage.py", "serve"], has_hooks=True)
OURS_SYNC = Kind(
    "the service, sync workers",
    ["env", "GUNICORN_CMD_ARGS=--worker-class sync --threads 1", *OURS.command],
    has_hooks=True,
)
REFERENCE = Kind("the reference", gunicorn(*SYNC, "bench.reference.wsgi"), rest_only=True)
LIMIT = Kind("the limit", gunicorn(*SYNC, "bench.limit.wsgi"), has_rest=False)
LIMIT_SAME_WORKER = Kind(
    "the limit, the service's worker",
    # The worker reads its options from the service's settings.
    ["env", "DJANGO_SETTINGS_MODULE=config.settings", *gunicorn(*SERVICE_WORKER, "bench.limit.wsgi")],
    has_rest=False,
)


def other_checkout(project: Path) -> Kind:
    """The service in another checkout, which is started by its own manage.py."""
    has_hooks = (project / "integrations" / "views.py").exists()
    return replace(OURS, name=f"the service in {project}", project=project.resolve(), has_hooks=has_hooks)


def environment(data: Path, port: int = PORTS[0]) -> dict[str, str]:
    return processes.environment(data, port, PASSWORD)


@dataclass(eq=False)
class Server:
    kind: Kind
    folder: Path
    rows: int
    token: str
    port: int = 0
    process: "subprocess.Popen[bytes] | None" = None
    hook_token: str = ""
    updates: int = 0  # sent since the database was filled
    alerts: int = 0  # sent since then

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self) -> Path:
        return self.folder / self.kind.database

    def start(self, probe: Call | None = None) -> float:
        """Start the server; return the seconds to its first right response to `probe`, by default a list."""
        self.port = processes.free_port(PORTS)
        log = (self.folder / "log").open("ab")
        began = time.perf_counter()
        self.process = subprocess.Popen(
            [argument.replace("{port}", str(self.port)) for argument in self.kind.command],
            cwd=self.kind.project,
            env=environment(self.folder, self.port),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        log.close()
        while time.perf_counter() - began < MAX_START_SECONDS and self.process.poll() is None:
            try:
                self.send(probe or self.call("list"))
                return time.perf_counter() - began
            except NoResponse:
                time.sleep(0.005)
            except AssertionError:
                break
        self.stop()
        raise RuntimeError(f"{self.kind.name} does not start, see {self.folder / 'log'}")

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def workers(self) -> list[int]:
        assert self.process
        return processes.children(self.process.pid)

    def cpu_seconds(self) -> float:
        return processes.cpu_seconds(self.workers())

    def memory(self) -> Memory:
        """Return the memory of the largest worker."""
        return max(Memory.of(pid) for pid in self.workers())

    def call(self, workload: str) -> Call:
        if workload == "hook":
            return hook_call(self.hook_token)
        if workload == "hook again":
            return hook_call(self.hook_token).filled_in(0)
        if self.kind.rest_only or "page" in workload:
            return rest_call(workload, self.token)
        return post_call(workload, self.token)

    def send(self, call: Call) -> Any:
        """Send the call over a new connection; return the JSON of its response. Raises `AssertionError`."""
        with Client(self.port, timeout=60) as client:
            response = client.send(call.request())
        assert response.status == call.status, response
        return response.data

    def count(self, table: str = "incidents_incident") -> int:
        table = "reference_incident" if self.kind.rest_only else table
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def run_python(data: Path, *arguments: str, project: Path = PROJECT) -> str:
    """Run Python in the project on the database in `data` and return what it prints."""
    command = [sys.executable, *arguments]
    return processes.run_program(command, cwd=project, env=environment(data), seconds=3600).strip()


class Scratch:
    """A folder of databases: filled once for each number of rows, copied for each server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tokens: dict[tuple[Path, bool, int], tuple[Path, str, str]] = {}
        self.servers = 0

    def filled(self, kind: Kind, rows: int) -> tuple[Path, str, str]:
        """Return the folder of a database of so many rows, the token to it and that of its hook.

        Another checkout fills its own, since its schema may differ.
        """
        key = (kind.project, kind.rest_only, rows)
        if key not in self.tokens:
            folder = self.folder / f"filled-{len(self.tokens)}"
            folder.mkdir()
            fill = ["bench.reference.fill", str(rows)] if kind.rest_only else ["bench.fill", "1", str(rows)]
            token = run_python(folder, "-m", *fill, project=kind.project)
            connect = ("manage.py", "connect", "alertmanager", "bench alerts", "--json")
            hook = json.loads(run_python(folder, *connect, project=kind.project)) if kind.has_hooks else {}
            self.tokens[key] = folder, token, hook.get("token", "")
        return self.tokens[key]

    def server(self, kind: Kind, rows: int) -> Server:
        source, token, hook_token = self.filled(kind, rows)
        self.servers += 1
        folder = self.folder / f"server-{self.servers}"
        shutil.copytree(source, folder)
        return Server(kind, folder, rows, token, hook_token=hook_token)


@contextlib.contextmanager
def started(scratch: Scratch, kinds: list[Kind], rows: int) -> Iterator[list[Server]]:
    """Run a server of each kind, all filled alike; their folders are deleted afterwards."""
    servers: list[Server] = []
    try:
        for kind in kinds:
            servers.append(scratch.server(kind, rows))
            servers[-1].start()
        yield servers
    finally:
        for server in servers:
            server.stop()
            shutil.rmtree(server.folder, ignore_errors=True)
