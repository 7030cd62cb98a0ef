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
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

from resilience.wire import HOST, Line, Lost

PROJECT = Path(__file__).resolve().parent.parent
PORTS = itertools.cycle(range(8700, 8790))
PASSWORD = "only for this run: 7 mice, 3 cats"
LONGEST_START = 40
LONGEST_STOP = 40


@dataclass(frozen=True)
class Kind:
    """A design under attack: what prepares its database, what serves it, which path tells that it does."""

    name: str
    prepare: tuple[str, ...]
    command: tuple[str, ...]
    ready: str
    database: str


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
        self.port = free_port()
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
        """Return the environment of its processes, in which no setting of the developer's own counts."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {
            **dict.fromkeys(dotenv_values(PROJECT / ".env"), ""),
            **kept,
            "DATA_DIR": str(self.folder / "data"),
            "DATABASE_URL": "",
            "HOST": HOST,
            "PORT": str(self.port),
            "ADMIN_PASSWORD": PASSWORD,
            "WEB_CONCURRENCY": "2",
            "TOKEN_TTL": "86400",
            **self.settings,
        }

    # Its life

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    *(word.replace("{address}", f"{HOST}:{self.port}") for word in self.kind.command),
                ],
                cwd=PROJECT,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.groups.append(self.process.pid)

    def is_ready(self) -> bool:
        with contextlib.suppress(Lost), Line(self.port, timeout=5) as line:
            return line.get(self.kind.ready).status == 200
        return False

    def wait_until_ready(self, *, supervised: bool = False) -> None:
        """Wait for the first good answer; a supervisor starts again what ended meanwhile."""
        deadline = time.monotonic() + LONGEST_START
        while not self.is_ready():
            if self.has_ended() and supervised:
                self.start()
            if self.has_ended() or time.monotonic() > deadline:
                raise RuntimeError(f"{self.kind.name} does not start:\n{self.log[-4000:]}")
            time.sleep(0.01)

    def has_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def stop(self) -> None:
        """Stop it as a supervisor does, then make sure that nothing of it is left."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(LONGEST_STOP)
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
        with contextlib.suppress(OSError):
            children = Path(f"/proc/{self.master}/task/{self.master}/children").read_text()
            return [int(pid) for pid in children.split()]
        return []

    def kill(self, pids: Iterable[int]) -> None:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    # What is asked of it

    def login(self, username: str = "admin", password: str = PASSWORD) -> str:
        """Return a token of the user."""
        with Line(self.port) as line:
            answer = line.post("/users/authorization/", username=username, password=password)
            assert answer.status == 200, answer
            token: str = answer.data["data"]["token"]
            return token

    def manage(self, *words: str) -> str:
        """Run a command of manage.py on its database and return what it prints."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=PROJECT,
            env=self.environment(),
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.stdout

    def resident(self) -> int:
        """Return the bytes of memory that its workers have for themselves."""
        private = ("Private_Clean:", "Private_Dirty:")
        lines = [
            line.split()
            for pid in self.workers()
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            if line.startswith(private)
        ]
        return sum(int(words[1]) for words in lines) * 1024


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Lend a throw-away folder that other users of this machine, PostgreSQL's too, may enter."""
    folder = Path(tempfile.mkdtemp(prefix="incidents-torture-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def running(kind: Kind = SERVICE, /, **settings: str) -> Iterator[Service]:
    """Lend a running service."""
    with scratch() as folder:
        service = Service(folder, kind, **settings)
        try:
            if kind.prepare:
                service.data.mkdir()
                subprocess.run(
                    [sys.executable, *kind.prepare], cwd=PROJECT, env=service.environment(), check=True
                )
            service.start()
            service.wait_until_ready()
            yield service
        finally:
            service.stop()


def free_port() -> int:
    for port in itertools.islice(PORTS, 90):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
            return port
    raise RuntimeError("no free port from 8700 to 8789")
