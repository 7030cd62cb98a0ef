import itertools
import signal
import threading
import time
from collections import Counter
from multiprocessing.connection import Connection

from bench.http_client import Client
from resilience.figures import Figure, percentile, spread
from resilience.load import fork
from resilience.password_guessing import client_from
from resilience.service import Service, running

PAUSE_SECONDS = 0.005


def run(*, seconds: int = 20, clients: int = 8) -> list[Figure]:
    """F12: another client's writes during a flood of logins from ever new addresses."""
    with running(TRUSTED_PROXIES="1") as service:
        token = service.login()
        quiet = write(service, token, seconds / 4)
        ours, theirs = fork.Pipe()
        # A process of its own, so that it does not delay the client that is measured.
        flood = fork.Process(target=flood_with, args=[service, clients, theirs], daemon=True)
        flood.start()
        try:
            time.sleep(1)
            flooded = write(service, token, seconds)
            ours.send("stop")
            statuses: Counter[int] = ours.recv()
        finally:
            flood.kill()
            flood.join()
    p99 = percentile(flooded, 0.99)
    responses = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
    return [
        Figure(
            "F12",
            f"another client's p99 during a flood of {clients} login clients",
            "< 100 ms",
            f"{spread(flooded)} of {len(flooded):,} creates; alone {spread(quiet)};"
            f" the flood got {responses}",
            p99 < 0.1,
        )
    ]


def write(service: Service, token: str, seconds: float) -> list[float]:
    times = []
    deadline = time.monotonic() + seconds
    with Client(service.port) as client:
        while time.monotonic() < deadline:
            response = client.post("/incidents/create/", token=token, incident="Самокат", source="operator")
            assert response.status == 201, response
            times.append(response.seconds)
            time.sleep(PAUSE_SECONDS)
    return times


def flood_with(service: Service, clients: int, pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The parent process ends it.
    statuses: Counter[int] = Counter()
    for thread in range(clients):
        threading.Thread(target=log_in, args=[service, thread, statuses], daemon=True).start()
    pipe.recv()
    pipe.send(statuses)


def log_in(service: Service, thread: int, statuses: Counter[int]) -> None:
    user = {"username": f"user{thread}", "password": "wrong 7 mice"}
    for number in itertools.count():
        with client_from(service, f"10.{thread}.{number // 256 % 256}.{number % 256}") as client:
            response = client.post("/users/authorization/", **user)
        statuses[response.status] += 1
