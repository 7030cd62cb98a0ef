"""The service as `manage.py serve` starts it, for tests that need the real server and the raw wire."""

import contextlib
import json
import os
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).parent.parent
PASSWORD = "correct horse battery staple"
MAX_START_SECONDS = 30


@dataclass(frozen=True)
class Response:
    """One HTTP response, as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Service:
    """A running service; its superuser is admin with `PASSWORD`."""

    process: subprocess.Popen[bytes]
    port: int
    folder: Path
    environment: Mapping[str, str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def manage(self, *arguments: str) -> str:
        """Run a command of manage.py on the service's own data; return what it prints."""
        command = [sys.executable, "manage.py", *arguments]
        run = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=True
        )
        return run.stdout

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Read the service's database."""
        url = self.environment["DATABASE_URL"]
        path = f"file:{self.environment['DATA_DIR']}/incidents.sqlite3?mode=ro"
        database: Any = psycopg.connect(url) if url else sqlite3.connect(path, uri=True)
        with contextlib.closing(database):
            cursor = database.execute(query)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def raw(self, request: bytes, *, seconds: float = 20) -> Response:
        """Send the bytes of a request over a connection of its own and read the first response."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            with contextlib.suppress(ConnectionError):  # It may be refused before all of it is sent.
                connection.sendall(request)
            return read_response(connection, method=request.split(b" ")[0].decode())

    def send(self, method: str, path: str, body: bytes = b"", **headers: str) -> Response:
        return self.raw(request_bytes(method, path, body, **headers))

    def post(self, path: str, **body: Any) -> Response:
        return self.send("POST", path, json.dumps(body).encode())

    def token(self) -> str:
        response = self.post("/users/authorization/", username="admin", password=PASSWORD)
        token: str = response.json()["data"]["token"]
        return token


def request_bytes(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """Write a request; `headers` by their names with underscores, which also replace the usual ones."""
    lines = {"Host": "localhost", "Content_Length": str(len(body)), "Connection": "close"} | headers
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items() if value)
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def read_response(connection: socket.socket, *, method: str = "POST") -> Response:
    response = HTTPResponse(connection, method=method)
    response.begin()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Response(response.status, headers, response.read())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def empty_database() -> Iterator[str]:
    """Yield an empty database's address: "" for one in the data folder, or one of its own in PostgreSQL."""
    server_url = os.environ.get("DATABASE_URL", "")
    if not server_url:
        yield ""
        return
    name = f"served_{secrets.token_hex(4)}"
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}".encode())
        yield f"{server_url.rpartition('/')[0]}/{name}"
        server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@contextlib.contextmanager
def served(**environment: str) -> Iterator[Service]:
    """Start the service in a throw-away folder, wait until it is ready, stop it at the end."""
    with (
        tempfile.TemporaryDirectory(prefix="incidents-served-") as folder,
        empty_database() as database_url,
    ):
        port = free_port()
        log = Path(folder) / "log"
        settings = {
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "DATA_DIR": f"{folder}/data",
            "DATABASE_URL": database_url,
            "ADMIN_PASSWORD": PASSWORD,
            "WEB_CONCURRENCY": "2",
        }
        complete = os.environ | settings | environment
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "serve"],
                cwd=ROOT,
                env=complete,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        service = Service(process, int(complete["PORT"]), Path(folder), complete)
        try:
            wait_until_ready(service)
            yield service
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                # What is left behind would fail other tests, too.
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise


def wait_until_ready(service: Service) -> None:
    deadline = time.monotonic() + MAX_START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if service.send("GET", "/readyz").status == 200:
                return
        if service.process.poll() is not None:
            break
        time.sleep(0.05)
    raise AssertionError((service.folder / "log").read_text())
