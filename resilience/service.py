"""The service under attack, in a throw-away folder: started, killed, started again, stopped.

with running() as service:
    service.kill(service.workers())
    service.wait_until_ready()
"""

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import processes
from bench.http_client import HOST, Client, NoResponse
from bench.processes import PROJECT, Memory, run_program

# Each program begins elsewhere: two at once would else try the same port between its test and its use.
PORTS = itertools.islice(itertools.cycle(range(8700, 8790)), os.getpid() % 90, None)
PASSWORD = "only for this run: 7 mice, 3 cats"
MAX_START_SECONDS = 40
MAX_STOP_SECONDS = 40


class Unavailable(Exception):
    """This machine lacks what a program needs; the program is skipped."""


@dataclass(frozen=True)
class Kind:
    """A design under attack: what prepares its database and serves it, and its path for readiness."""

    name: str
    prepare: tuple[str, ...]
    command: tuple[str, ...]
    ready: str
    database: str
    project: Path = PROJECT


SERVICE = Kind("the service", (), ("manage.py", "serve"), "/readyz", "incidents.sqlite3")
REFERENCE = Kind(
    "the reference",
    ("-m", "bench.reference.fill", "0"),
    ("-m", "gunicorn", "--bind={address}", "--workers=2", "--no-control-socket", "bench.reference.wsgi"),
    "/api/incidents/",
    "db.sqlite3",
)
KINDS = {"service": SERVICE, "reference": REFERENCE}


class Service:
    def __init__(self, folder: Path, kind: Kind = SERVICE, /, **settings: str) -> None:
        self.kind = kind
        self.folder = folder
        self.port = processes.free_port(itertools.islice(PORTS, 90))
        self.settings = settings
        self.process: subprocess.Popen[bytes] | None = None
        self.groups: list[int] = []

    @property
    def data(self) -> Path:
        return Path(self.environment()["DATA_DIR"])

    @property
    def database(self) -> Path:
        return self.data / self.kind.database

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def environment(self) -> dict[str, str]:
        return {
            **processes.environment(self.folder / "data", self.port, PASSWORD),
            "TOKEN_TTL": "86400",
            **self.settings,
        }

    # Start and stop

    def command(self) -> list[str]:
        address = f"{HOST}:{self.port}"
        return [sys.executable, *(part.replace("{address}", address) for part in self.kind.command)]

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                cwd=self.kind.project,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.groups.append(self.process.pid)

    def is_ready(self) -> bool:
        with contextlib.suppress(NoResponse), Client(self.port, timeout=5) as client:
            return client.get(self.kind.ready).status == 200
        return False

    def wait_until_ready(self, *, supervised: bool = False) -> None:
        """Wait for the first good response; if `supervised`, start again what has ended meanwhile."""
        deadline = time.monotonic() + MAX_START_SECONDS
        while not self.is_ready():
            if self.has_ended() and supervised:
                self.start()
            if self.has_ended() or time.monotonic() > deadline:
                raise RuntimeError(f"{self.kind.name} does not start:\n{self.log[-4000:]}")
            time.sleep(0.01)

    def has_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def stop(self) -> None:
        """Stop it by SIGTERM, then kill what is left of it."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(MAX_STOP_SECONDS)
        self.kill_everything()

    def kill_everything(self) -> None:
        """Kill the master and the workers with -9, those too that an earlier master left behind."""
        for group in self.groups:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        if self.process is not None:
            self.process.wait()
        self.groups.clear()

    # Its processes

    @property
    def master(self) -> int:
        assert self.process
        return self.process.pid

    def workers(self) -> list[int]:
        return processes.children(self.master)

    def dispatcher(self) -> int | None:
        """Return the process that makes deliveries: the one child of the master that has no listener."""
        found = [pid for pid in self.workers() if not processes.listens(pid)]
        return found[0] if len(found) == 1 else None

    def kill(self, pids: Iterable[int]) -> None:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    # Requests and commands

    def login(self, username: str = "admin", password: str = PASSWORD) -> str:
        """Return a token of the user."""
        with Client(self.port) as client:
            response = client.post("/users/authorization/", username=username, password=password)
            assert response.status == 200, response
            token: str = response.data["data"]["token"]
            return token

    def manage(self, *arguments: str) -> str:
        """Run a command of manage.py on its database and return what it prints."""
        command = [sys.executable, "manage.py", *arguments]
        return run_program(command, cwd=self.kind.project, env=self.environment())

    def private_memory(self) -> float:
        """Return the MB of memory that its workers share with no other process."""
        return sum(Memory.of(pid).private for pid in self.workers())


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Yield a throw-away folder that other users of this machine, PostgreSQL's too, may enter."""
    folder = Path(tempfile.mkdtemp(prefix="incidents-resilience-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def running(kind: Kind = SERVICE, /, **settings: str) -> Iterator[Service]:
    """Yield a running service."""
    with scratch() as folder:
        service = Service(folder, kind, **settings)
        try:
            if kind.prepare:
                service.data.mkdir()
                command = [sys.executable, *kind.prepare]
                run_program(command, cwd=kind.project, env=service.environment())
            service.start()
            service.wait_until_ready()
            yield service
        finally:
            service.stop()
