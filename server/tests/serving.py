"""The worker under gunicorn's own command line, and raw clients."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
COMMAND = [sys.executable, "-m", "gunicorn", "--no-control-socket", "--threads", "4", "--keep-alive", "75"]


@dataclass(frozen=True)
class Service:
    process: "subprocess.Popen[bytes]"
    port: int
    folder: Path

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    @property
    def workers(self) -> set[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return {int(pid) for pid in children.read_text().split()}

    def connect(self, sent: bytes = b"", *, receive_buffer: int = 0) -> socket.socket:
        client = socket.socket()
        if receive_buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.settimeout(10)
        try:
            client.connect(("127.0.0.1", self.port))
            client.sendall(sent)
        except OSError:
            client.close()
            raise
        return client

    def exchange(self, *parts: bytes) -> bytes:
        """Send the parts one by one, then no more; read until the server closes."""
        with self.connect() as client, contextlib.suppress(ConnectionError):
            for part in parts:
                client.sendall(part)
                time.sleep(0.02 if len(parts) > 1 else 0)
            client.shutdown(socket.SHUT_WR)
            return everything(client)
        return b""

    def seconds(self, path: str = "/") -> float:
        """Return how long a GET takes, by another client."""
        started = time.monotonic()
        with self.connect(get(path, close=True)) as client:
            assert everything(client).startswith(b"HTTP/1.1 200")
        return time.monotonic() - started


def get(path: str = "/", *, method: str = "GET", close: bool = False) -> bytes:
    connection = "Connection: close\r\n" if close else ""
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{connection}\r\n".encode()


def everything(client: socket.socket) -> bytes:
    """Read until the server closes."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while data := client.recv(65536):
            received += data
    return received


@contextlib.contextmanager
def serving(worker: str = "Small", *options: str, workers: int = 1, files: int = 0) -> Iterator[Service]:
    """Serve the tests' application; `files` limits the file descriptors of each process."""
    with (
        tempfile.TemporaryDirectory(prefix="server-") as folder,
        socket.create_server(("127.0.0.1", 0)) as probe,
    ):
        port = probe.getsockname()[1]
        probe.close()
        limit = ["prlimit", f"--nofile={files}"] if files else []
        chosen = ["-w", str(workers), "-b", f"127.0.0.1:{port}", "-k", f"server.tests.application.{worker}"]
        with Path(folder, "log").open("wb") as log:
            process = subprocess.Popen(
                [*limit, *COMMAND, *chosen, *options, "server.tests.application"],
                cwd=ROOT,
                env=os.environ | {"FAILING": f"{folder}/failing"},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        service = Service(process, port, Path(folder))
        try:
            wait_until_ready(service, workers)
            yield service
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=40)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


def wait_until_ready(service: Service, workers: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and service.process.poll() is None:
        with contextlib.suppress(OSError), service.connect(get(close=True)) as client:
            if everything(client) and len(service.workers) == workers:
                return
        time.sleep(0.05)
    raise AssertionError(service.log)
