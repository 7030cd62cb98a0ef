"""What destinations cost a create, and how soon a webhook comes.

python -m bench.deliveries    one look, shown on the terminal
"""

import contextlib
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from bench.http_client import Client
from bench.load import measured
from bench.processes import exit_with
from bench.receiver import Receiver, receiving
from bench.servers import OURS, Scratch, Server, run_python
from common.progress import Progress

ROWS = 1_000
DESTINATIONS = 100
CONNECTIONS = 32
SETTLE = 1.0  # seconds until the dispatcher has begun, or ended, its work
IDLE_CREATES, IDLE_PAUSE = 30, 0.3
LOADED_RATE, LOADED_SECONDS, CLIENTS = 500, 8, 8
MAX_WAIT = 60  # seconds for the last webhook
KIND = replace(OURS, command=["env", "OUTBOUND_ALLOWED_NETWORKS=127.0.0.0/8", *OURS.command])


@dataclass(frozen=True)
class Deliveries:
    """Creates a second without and with destinations, by round; seconds from a commit to its webhook."""

    rates: list[tuple[float, float]]
    idle: list[float]
    loaded: list[float]
    loaded_rate: float

    @property
    def ratio(self) -> float:
        return median(pair[1] for pair in self.rates) / median(pair[0] for pair in self.rates)


def measure(scratch: Scratch, *, rounds: int = 9, seconds: int = 2) -> Deliveries:
    with receiving() as receiver:
        with started(scratch, receiver, DESTINATIONS) as server:
            rates = creates(server, rounds, seconds)
        with started(scratch, receiver, 1) as server:
            receiver.created_at()
            idle = waits(receiver, paced(server, 1 / IDLE_PAUSE, IDLE_CREATES * IDLE_PAUSE, clients=1))
            committed = paced(server, LOADED_RATE, LOADED_SECONDS, clients=CLIENTS)
            loaded = waits(receiver, committed)
    rate = len(committed) / (max(committed.values()) - min(committed.values()))
    return Deliveries(rates, idle, loaded, rate)


@contextlib.contextmanager
def started(scratch: Scratch, receiver: Receiver, destinations: int) -> Iterator[Server]:
    server = scratch.server(KIND, ROWS)
    server.start()
    try:
        run_python(server.folder, "-m", "bench.destinations", receiver.url, str(destinations))
        yield server
    finally:
        server.stop()


def creates(server: Server, rounds: int, seconds: int) -> list[tuple[float, float]]:
    """Return the rates of creates while all destinations are disabled, and while they are enabled.

    The dispatcher never gets so far that it rests.
    """
    rates = []
    with Progress("Rounds of creates", rounds) as progress:
        for _ in range(rounds):
            pair = []
            for enabled in (False, True):
                switch(server, enabled=enabled)
                time.sleep(SETTLE)
                pair.append(measured(server, "create", connections=CONNECTIONS, seconds=seconds))
            rates.append((pair[0], pair[1]))
            progress.add(1)
    return rates


def switch(server: Server, *, enabled: bool) -> None:
    with contextlib.closing(sqlite3.connect(server.database, timeout=30)) as database, database:
        database.execute("UPDATE outbound_destination SET enabled = ?", [enabled])


def paced(server: Server, rate: float, seconds: float, *, clients: int) -> dict[int, float]:
    """Create so many incidents a second; return when the response to each had come."""
    committed: dict[int, float] = {}

    def create(first: int) -> None:
        request = server.call("create").request()
        with Client(server.port) as client:
            for number in range(first, int(rate * seconds), clients):
                time.sleep(max(0.0, begin + number / rate - time.time()))
                response = client.send(request)
                assert response.status == 201, response
                committed[response.data["data"]["id"]] = time.time()

    begin = time.time()
    threads = [threading.Thread(target=create, args=[number]) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return committed


def waits(receiver: Receiver, committed: dict[int, float]) -> list[float]:
    received: dict[int, float] = {}
    deadline = time.monotonic() + MAX_WAIT
    while committed.keys() - received.keys():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{len(committed.keys() - received.keys())} webhooks never came")
        time.sleep(0.2)
        received |= receiver.created_at()
    return [received[incident] - at for incident, at in committed.items()]


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="incidents-bench-") as folder:
        found = measure(Scratch(Path(folder)))
    for pair in found.rates:
        print(f"{pair[0]:,.0f} creates/s without, {pair[1]:,.0f} with {DESTINATIONS} destinations")
    print(f"ratio of the medians {found.ratio:.3f}")
    for name, late in (("idle", found.idle), (f"at {found.loaded_rate:.0f} creates/s", found.loaded)):
        print(f"commit to webhook, {name}: p50 {median(late):.2f} s, slowest {max(late):.2f} s")
    return 0


if __name__ == "__main__":
    exit_with(main)
