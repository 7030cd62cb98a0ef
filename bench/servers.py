"""The servers under test, each with its own folder, port and database.

with started(OURS, rows=100_000, scratch) as server:
    server.call("list")     the request that does this work there
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from bench.fill import PASSWORD, USERNAME

PROJECT = Path(__file__).resolve().parent.parent
PORTS = range(8500, 8600)
WORKERS = 2
LONGEST_START = 60
TEXT = "Самокат 4217 не в сети больше часа, дом 12"

Command = list[str]


@dataclass(frozen=True)
class Call:
    """A request that does one unit of work; {id} and {status} in it stand for another incident each time."""

    method: str
    path: str
    status: int
    body: str = ""
    authorization: str = ""
    words: tuple[str, str] | None = None

    def first(self) -> "Call":
        """This call with the first incident and the first word put in."""
        if self.words is None:
            return self
        return Call(
            self.method,
            self.path.replace("{id}", "1"),
            self.status,
            self.body.replace("{id}", "1").replace("{status}", self.words[0]),
            self.authorization,
        )


@dataclass(frozen=True)
class Kind:
    """One of the designs that are compared."""

    name: str
    command: Command
    project: Path = PROJECT
    rest_only: bool = False
    has_rest: bool = True

    @property
    def database(self) -> str:
        return "db.sqlite3" if self.rest_only else "incidents.sqlite3"


def gunicorn(*options: str) -> Command:
    return [sys.executable, "-m", "gunicorn", *options]


SOCKET = ("--bind", "127.0.0.1:{port}", "--workers", str(WORKERS), "--no-control-socket")
SYNC = (*SOCKET, "--worker-class", "sync")
OUR_WORKER = (
    *SOCKET,
    "--worker-class",
    "server.worker.Worker",
    "--threads",
    "4",
    "--keep-alive",
    "75",
)

OURS = Kind("the service", [sys.executable, "manage.py", "serve"])
OURS_SYNC = Kind(
    "the service, sync workers",
    ["env", "GUNICORN_CMD_ARGS=--worker-class sync --threads 1", *OURS.command],
)
REFERENCE = Kind("the reference", gunicorn(*SYNC, "bench.reference.wsgi"), rest_only=True)
LIMIT = Kind("the limit", gunicorn(*SYNC, "bench.limit.wsgi"), has_rest=False)
LIMIT_SAME_WORKER = Kind(
    "the limit, the service's worker",
    # The worker reads the longest body allowed from the service's settings.
    ["env", "DJANGO_SETTINGS_MODULE=config.settings", *gunicorn(*OUR_WORKER, "bench.limit.wsgi")],
    has_rest=False,
)


def beside(project: Path) -> Kind:
    """The service as it is in another checkout."""
    return Kind(f"the service in {project}", OURS.command, project.resolve())


@dataclass(frozen=True, order=True)
class Memory:
    """What a process has in memory, in MB: by its fair share, what it shares with nobody, all of it."""

    share: float
    own: float
    resident: float

    @classmethod
    def of(cls, pid: int) -> "Memory":
        lines = (line.split() for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
        found = {words[0]: int(words[1]) / 1024 for words in lines}
        return cls(found["Pss:"], found["Private_Clean:"] + found["Private_Dirty:"], found["Rss:"])

    @staticmethod
    def peak(pid: int) -> float:
        """The most that it has had resident, since `forget_peak` if that was called."""
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))

    @staticmethod
    def forget_peak(pid: int) -> None:
        Path(f"/proc/{pid}/clear_refs").write_text("5")


@dataclass(eq=False)
class Server:
    kind: Kind
    folder: Path
    rows: int
    token: str
    port: int = 0
    process: "subprocess.Popen[bytes] | None" = None
    updates: int = field(default=0)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self) -> Path:
        return self.folder / self.kind.database

    def start(self, probe: Call | None = None) -> float:
        """Start the server; return the seconds to its first right answer to `probe`, by default a list."""
        self.port = free_port()
        log = (self.folder / "log").open("ab")
        began = time.perf_counter()
        self.process = subprocess.Popen(
            [word.replace("{port}", str(self.port)) for word in self.kind.command],
            cwd=self.kind.project,
            env=environment(self.folder, self.port),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        log.close()
        while time.perf_counter() - began < LONGEST_START and self.process.poll() is None:
            try:
                self.answer(probe or self.call("list"))
                return time.perf_counter() - began
            except urllib.error.HTTPError:
                break
            except OSError:
                time.sleep(0.005)
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
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def cpu_seconds(self) -> float:
        """What the workers have used of the processors since they began."""
        tasks = (task for pid in self.workers() for task in Path(f"/proc/{pid}/task").iterdir())
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def memory(self) -> "Memory":
        """The memory of the worker that has most."""
        return max(Memory.of(pid) for pid in self.workers())

    def call(self, work: str) -> Call:
        """The call that does the work: create, update, list, page, page by status, token."""
        return self.rest_call(work) if self.kind.rest_only or "page" in work else self.post_call(work)

    def post_call(self, work: str) -> Call:
        paths = {"create": "incidents/create", "update": "incidents/update", "list": "incidents/get_all"}
        bodies: dict[str, dict[str, Any]] = {
            "create": {"incident": TEXT, "source": "monitoring"},
            "update": {"id": "{id}", "status": "{status}"},
            "list": {"status": "new", "limit": 100},
            "whole list": {},
            "token": {"username": USERNAME, "password": PASSWORD},
        }
        proof = {} if work == "token" else {"token": self.token}
        body = json.dumps({**proof, **bodies[work]}, ensure_ascii=False).replace('"{id}"', "{id}")
        return Call(
            "POST",
            f"/{paths.get(work, 'users/authorization' if work == 'token' else 'incidents/get_all')}/",
            201 if work == "create" else 200,
            body,
            words=("processing", "unknown") if work == "update" else None,
        )

    def rest_call(self, work: str) -> Call:
        proof = "" if self.kind.rest_only else f"Bearer {self.token}"
        root = "/api/incidents/"
        match work:
            case "create":
                body = json.dumps({"description": TEXT, "source": "monitoring"}, ensure_ascii=False)
                return Call("POST", root, 201, body, proof)
            case "update":
                body = '{"status": "{status}"}'
                return Call("PATCH", root + "{id}/", 200, body, proof, words=("in_progress", "cancelled"))
            case "page":
                return Call("GET", root, 200, authorization=proof)
            case _:
                return Call("GET", f"{root}?status=open", 200, authorization=proof)

    def answer(self, call: Call) -> Any:
        """Make the call once and return what it answers; wrong statuses raise."""
        headers = {"Content-Type": "application/json"}
        if call.authorization:
            headers["Authorization"] = call.authorization
        request = urllib.request.Request(
            self.url + call.path, call.body.encode() or None, headers, method=call.method
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            assert response.status == call.status, response.status
            return json.load(response)

    def count(self, table: str = "incidents_incident") -> int:
        table = "reference_incident" if self.kind.rest_only else table
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def environment(folder: Path, port: int) -> dict[str, str]:
    """The environment of a server: of the developer's own settings, and those in .env, none counts."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    blank = dict.fromkeys(dotenv_values(PROJECT / ".env"), "")
    return {
        **blank,
        **kept,
        "DATA_DIR": str(folder),
        "DATABASE_URL": "",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "WEB_CONCURRENCY": str(WORKERS),
        "ADMIN_PASSWORD": PASSWORD,
    }


def free_port() -> int:
    for port in PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise RuntimeError(f"no free port from {PORTS[0]} to {PORTS[-1]}")


class Scratch:
    """A folder of databases: filled once for each number of rows, copied for each server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.servers = 0

    def filled(self, *, rest_only: bool, rows: int) -> tuple[Path, str]:
        """Return the folder of a database of so many rows, and the token to it."""
        folder = self.folder / f"{'reference' if rest_only else 'service'}-{rows}"
        token = folder / "token"
        if not token.exists():
            folder.mkdir()
            module = ["bench.reference.fill", str(rows)] if rest_only else ["bench.fill", "1", str(rows)]
            filled = subprocess.run(
                [sys.executable, "-m", *module],
                cwd=PROJECT,
                env=environment(folder, PORTS[0]),
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            )
            token.write_text(filled.stdout.strip())
        return folder, token.read_text()

    def server(self, kind: Kind, rows: int) -> Server:
        source, token = self.filled(rest_only=kind.rest_only, rows=rows)
        self.servers += 1
        folder = self.folder / f"server-{self.servers}"
        shutil.copytree(source, folder)
        return Server(kind, folder, rows, token)


@contextlib.contextmanager
def started(scratch: Scratch, kinds: list[Kind], rows: int) -> Iterator[list[Server]]:
    """Run a server of each kind, all filled alike; their folders are gone afterwards."""
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
