"""What both products share: gunicorn with two workers, in a throw-away folder, on loopback.

with running(Alerta, installation) as product:
    product.send(product.create("a name", "a text"))
"""

import abc
import contextlib
import os
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self

from bench.http_client import HOST, Client, NoResponse, Request, Response
from bench.processes import free_port, run_program
from comparison.install import Installation
from resilience.load import Dialect
from resilience.service import Kind, Service, scratch

PORTS = range(8770, 8780)
NAME = "admin@example.org"
PASSWORD = "only for this run: 7 mice, 3 cats"
SECRET = "only for this run: 3 owls, 4 larks, 9 wrens"

Row = tuple[str, int, str]  # name, id, text


class Product(Service, abc.ABC):
    application: str
    path: str  # a create is posted there
    id_name: str  # the id's key in the response to a create
    listing: str  # a list of 100
    ready: str  # a path whose response is quick, however much is stored
    programs: Path  # the folder of its environment's programs
    headers: dict[str, str]

    def __init__(self, folder: Path, project: Path, **settings: str) -> None:
        super().__init__(folder, Kind(type(self).__name__, (), (), self.ready, "", project), **settings)
        self.port = free_port(PORTS)

    @classmethod
    @abc.abstractmethod
    def create_one(cls, installation: Installation, folder: Path) -> AbstractContextManager[Self]:
        """Yield a product, not yet prepared or started, with what it needs beside its own processes."""

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

    def reset_login_limit(self) -> None:
        """Delete the failed logins, so that no limit refuses the next one."""

    def crash_database(self) -> None:
        """End the database's own processes at once and start them again, where it has any."""

    # Start and stop

    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {**kept, **self.settings}

    def command(self) -> list[str]:
        gunicorn = [str(self.programs / "gunicorn"), "--workers=2", f"--bind={HOST}:{self.port}"]
        return [*gunicorn, "--no-control-socket", self.application]

    def is_ready(self) -> bool:
        with contextlib.suppress(NoResponse):
            return self.send(Request("GET", self.kind.ready), timeout=5).status == 200
        return False

    def run(self, program: str, *arguments: str) -> str:
        """Run a program of its environment and return what it prints."""
        command = [str(self.programs / program), *arguments]
        return run_program(command, cwd=self.kind.project, env=self.environment())

    # Requests

    def send(self, request: Request, *, timeout: float = 40) -> Response:
        """Send a request with the API key over a new connection. Raises `NoResponse`."""
        with Client(self.port, timeout=timeout, headers=self.headers) as client:
            return client.send(request)

    def create(self, key: str, text: str) -> Request:
        return Request("POST", self.path, self.body(key, text), self.headers)

    def update(self, pk: int, status: str) -> Request:
        raise NotImplementedError("the products share no update")

    def created_id(self, response: Response) -> int:
        return uuid.UUID(response.data[self.id_name]).int


@contextlib.contextmanager
def running(kind: type[Product], installation: Installation) -> Iterator[Product]:
    """Yield a product that runs on a new database. Raises `Unavailable`."""
    with scratch() as folder, kind.create_one(installation, folder) as product:
        product.prepare()
        try:
            product.start()
            product.wait_until_ready()
            yield product
        finally:
            product.stop()
