"""The two workers under comparison, with the same small application."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.http_client import Client, NoResponse
from bench.processes import PROJECT, free_port
from resilience.service import PORTS, scratch

WORKER = "server.worker.Worker"
MAX_START_SECONDS = 30
# As many threads as it has clients, or those that wait for it would hold up the others.
STOCK = ("--worker-class", "gthread", "--threads", "64")

Seen = tuple[str | int, ...]


@dataclass(frozen=True)
class Server:
    name: str
    port: int
    folder: Path

    def seen(self) -> dict[str, list[Seen]]:
        """Return the requests that the application saw, in their order, by the address of their client."""
        found: dict[str, list[Seen]] = defaultdict(list)
        for line in self.records.read_text().splitlines():
            address, *request = json.loads(line)
            found[address].append(tuple(request))
        return found

    @property
    def records(self) -> Path:
        return self.folder / "seen"


@contextlib.contextmanager
def serving(name: str, *options: str, checkout: Path = PROJECT) -> Iterator[Server]:
    with scratch() as folder:
        server = Server(name, free_port(PORTS), folder)
        server.records.touch()
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [
                    sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{server.port}", "--workers", "2",
                    "--no-control-socket", *options, "resilience.framing.application:application",
                ],
                cwd=checkout,
                env={
                    "PATH": os.environ["PATH"],
                    "PYTHONPATH": str(PROJECT),
                    "SEEN": str(server.records),
                    "DATA_DIR": str(folder),
                    "DJANGO_SETTINGS_MODULE": "config.settings",
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )  # fmt: skip
        try:
            wait_until_ready(server, process)
            yield server
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def wait_until_ready(server: Server, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + MAX_START_SECONDS
    while True:
        with contextlib.suppress(NoResponse), Client(server.port, timeout=2) as client:
            client.get("/ready")
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(
                f"{server.name} does not start:\n{(server.folder / 'log').read_text()[-2000:]}"
            )
        time.sleep(0.05)
