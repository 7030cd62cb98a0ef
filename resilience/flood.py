import itertools
import signal
import threading
import time
from collections import Counter
from multiprocessing.connection import Connection

from resilience.figures import Figure, percentile, spread
from resilience.guesses import line_from
from resilience.load import fork
from resilience.service import Service, running
from resilience.wire import Line

THINKS = 0.005


def run(*, seconds: int = 20, clients: int = 8) -> list[Figure]:
    """F12: another client's writes during a flood of logins from ever new addresses."""
    with running(TRUSTED_PROXIES="1") as service:
        token = service.login()
        quiet = write(service, token, seconds / 4)
        ours, theirs = fork.Pipe()
        # A process of its own, or the flood would hold up the clock of the one that is measured.
        flood = fork.Process(target=flood_with, args=[service, clients, theirs], daemon=True)
        flood.start()
        try:
            time.sleep(1)
            flooded = write(service, token, seconds)
            ours.send("enough")
            verdicts: Counter[int] = ours.recv()
        finally:
            flood.kill()
            flood.join()
    p99 = percentile(flooded, 0.99)
    answers = ", ".join(f"{count} x {status}" for status, count in sorted(verdicts.items()))
    return [
        Figure(
            "F12",
            f"another client's p99 during a flood of {clients} login clients",
            "< 100 ms",
            f"{spread(flooded)} of {len(flooded):,} creates; alone {spread(quiet)}; the flood got {answers}",
            p99 < 0.1,
        )
    ]


def write(service: Service, token: str, seconds: float) -> list[float]:
    times = []
    deadline = time.monotonic() + seconds
    with Line(service.port) as line:
        while time.monotonic() < deadline:
            answer = line.post("/incidents/create/", token=token, incident="Самокат", source="operator")
            assert answer.status == 201, answer
            times.append(answer.seconds)
            time.sleep(THINKS)
    return times


def flood_with(service: Service, clients: int, pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Whoever started it ends it.
    verdicts: Counter[int] = Counter()
    for client in range(clients):
        threading.Thread(target=log_in, args=[service, client, verdicts], daemon=True).start()
    pipe.recv()
    pipe.send(verdicts)


def log_in(service: Service, client: int, verdicts: Counter[int]) -> None:
    for number in itertools.count():
        with line_from(service, f"10.{client}.{number // 256 % 256}.{number % 256}") as line:
            answer = line.post("/users/authorization/", username=f"user{client}", password="wrong 7 mice")
        verdicts[answer.status] += 1
