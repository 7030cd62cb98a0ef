import os
import time

from bench.http_client import Client, NoResponse
from resilience.attacks.target import Target
from resilience.figures import Figure
from resilience.service import Service, scratch

REQUESTS = 3_000
TIMEOUT = 5


def run(target: Target) -> list[Figure]:
    """A log pipe that nobody reads any more."""
    with scratch() as folder:
        # The service opens its log here; a pipe takes 64 KB, then its writers wait.
        os.mkfifo(folder / "log")
        reader = os.open(folder / "log", os.O_RDONLY | os.O_NONBLOCK)
        service = Service(folder, target.kind)
        try:
            service.start()
            service.wait_until_ready()
            answered, slowest = ask(service)
        finally:
            service.kill_everything()
            os.close(reader)
    return [
        Figure(
            "21",
            "unread_log: requests answered while nobody reads the log",
            f"all of {REQUESTS:,}",
            f"{answered:,}, slowest {slowest:.1f} s",
            answered == REQUESTS,
        )
    ]


def ask(service: Service) -> tuple[int, float]:
    """Ask until a response fails to come; return how many came, and the seconds of the slowest."""
    slowest = 0.0
    for number in range(REQUESTS):
        began = time.monotonic()
        try:
            with Client(service.port, timeout=TIMEOUT) as client:
                client.get(f"/api/incidents/?padding={'x' * 200}")
        except NoResponse:
            return number, time.monotonic() - began
        slowest = max(slowest, time.monotonic() - began)
    return REQUESTS, slowest
