"""What both peers have in common: gunicorn with two workers, in a throw-away folder, on loopback.

with running(Alerta, home) as peer:
    peer.send(peer.create("a name", "a text"))
"""

import abc
import contextlib
import os
import socket
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self

from comparison.install import Home
from resilience.load import Dialect
from resilience.service import Kind, Service, scratch
from resilience.wire import HOST, Answer, Line, Lost, Request

PORTS = range(8770, 8780)
NAME = "admin@example.org"
PASSWORD = "only for this run: 7 mice, 3 cats"
SECRET = "only for this run: 3 owls, 4 larks, 9 wrens"

Row = tuple[str, int, str]  # name, id, text


class Peer(Service, abc.ABC):
    application: str
    path: str  # a create is posted there
    id_name: str  # of the id in its answer
    listing: str  # a list of 100
    ready: str  # answers quickly, however much is stored
    programs: Path
    works_in: Path
    headers: dict[str, str]

    def __init__(self, folder: Path, **settings: str) -> None:
        super().__init__(folder, Kind(type(self).__name__, (), (), self.ready, ""), **settings)
        self.port = free_port()

    @classmethod
    @abc.abstractmethod
    def lent(cls, home: Home, folder: Path) -> AbstractContextManager[Self]:
        """Lend a peer that is neither prepared nor started, with what it needs beside its own processes."""

    @abc.abstractmethod
    def prepare(self) -> None:
        """Make the database, a user who may log in, and an API key."""

    @abc.abstractmethod
    def fill(self) -> None:
        """Put in what `listing` lists."""

    @abc.abstractmethod
    def body(self, name: str, text: str) -> dict[str, object]: ...

    def dialects(self) -> dict[str, Dialect]:
        """Return the ways to create, by their names."""
        return {"": self}

    @abc.abstractmethod
    def stored(self) -> list[Row]: ...

    @abc.abstractmethod
    def log_in(self, username: str, password: str) -> tuple[str, float]:
        """Return "in", "wrong" or "refused", and the seconds it took."""

    def forget_guesses(self) -> None:
        """Forget the failed logins, so that no limit answers the next."""

    def crash_database(self) -> None:
        """End the database's own processes at once and start them again, where it has any."""

    # Its life

    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {**kept, **self.settings}

    def start(self) -> None:
        gunicorn = [str(self.programs / "gunicorn"), "--workers=2", f"--bind={HOST}:{self.port}"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*gunicorn, "--no-control-socket", self.application],
                cwd=self.works_in,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.groups.append(self.process.pid)

    def is_ready(self) -> bool:
        with contextlib.suppress(Lost):
            return self.send(Request("GET", self.kind.ready), timeout=5).status == 200
        return False

    def run(self, program: str, *words: str) -> str:
        """Run a program of its environment and return what it prints."""
        done = subprocess.run(
            [self.programs / program, *words],
            cwd=self.works_in,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr or done.stdout}")
        return done.stdout

    # What is asked of it

    def send(self, request: Request, *, timeout: float = 40) -> Answer:
        """Send a request with the API key over a new connection. Raises `Lost`."""
        with Line(self.port, timeout=timeout, headers=self.headers) as line:
            return line.send(request)

    def create(self, key: str, text: str) -> Request:
        return Request("POST", self.path, self.body(key, text), self.headers)

    def update(self, pk: int, status: str) -> Request:
        raise NotImplementedError("the two have no update in common")

    def made(self, answer: Answer) -> int:
        return uuid.UUID(answer.data[self.id_name]).int


@contextlib.contextmanager
def running(kind: type[Peer], home: Home) -> Iterator[Peer]:
    """Lend a peer that runs on a new database. Raises `NotInstalled`."""
    with scratch() as folder, kind.lent(home, folder) as peer:
        peer.prepare()
        try:
            peer.start()
            peer.wait_until_ready()
            yield peer
        finally:
            peer.stop()


def free_port() -> int:
    for port in PORTS:
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)):
                return port
    raise RuntimeError(f"no free port from {PORTS[0]} to {PORTS[-1]}")
