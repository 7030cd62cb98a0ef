import itertools
import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException

from resilience.figures import Figure, milliseconds
from resilience.load import fork
from resilience.service import PASSWORD, Service, running

LIMIT_SECONDS = 5.0
RETRY_SECONDS = 1.0
WARM_UP_SECONDS = 3.0
ADDRESSES = {"one address": 1, "a hundred networks": 100, "ever new networks": 0}


def run(*, seconds: int = 20) -> list[Figure]:
    """Right logins from another address while clients guess passwords without pause."""
    return [
        figure
        for connections in (8, 64, 256)
        for addresses in ADDRESSES
        for figure in measure(connections, addresses, seconds)
    ]


def measure(connections: int, addresses: str, seconds: int) -> Iterator[Figure]:
    """Attack one service; try right logins from the address of an earlier login, then from new networks."""
    with running(TRUSTED_PROXIES="1") as service:
        known = itertools.repeat("198.51.100.7")
        log_in(service, next(known))
        with attacked(service, connections, ADDRESSES[addresses]):
            time.sleep(WARM_UP_SECONDS)
            times = {"where the user logged in before": right_logins(service, known, seconds)}
            new = (f"198.{18 + number // 250}.{number % 250}.7" for number in itertools.count())
            times["from a new network"] = right_logins(service, new, seconds)
    for origin, taken in times.items():
        succeeded = [value for value in taken if value <= LIMIT_SECONDS]
        # Nothing distinguishes a guess from a new network from somebody's first login there.
        is_promised = origin == "where the user logged in before" or ADDRESSES[addresses] > 0
        yield Figure(
            "",
            f"right logins {origin}, {connections} connections guess from {addresses}",
            f"all within {LIMIT_SECONDS:.0f} s" if is_promised else "measured, not promised",
            f"{len(succeeded)} of {len(taken)}, slowest {milliseconds(max(taken))}",
            len(succeeded) == len(taken) or not is_promised,
        )


def right_logins(service: Service, addresses: Iterator[str], seconds: int) -> list[float]:
    """Log in again and again; return the seconds of each, repeated as Retry-After asks, up to the limit."""
    times = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        address = next(addresses)
        while (status := log_in(service, address)) != 200:
            if time.monotonic() - began > LIMIT_SECONDS:
                break
            time.sleep(RETRY_SECONDS)
        taken = time.monotonic() - began
        times.append(taken if status == 200 else max(taken, 2 * LIMIT_SECONDS))
        time.sleep(0.2)
    return times


def log_in(service: Service, address: str) -> int:
    connection = HTTPConnection("127.0.0.1", service.port, timeout=30)
    try:
        return attempt(connection, address, "admin", PASSWORD)
    finally:
        connection.close()


def attempt(connection: HTTPConnection, address: str, username: str, password: str) -> int:
    """Return the status of a login that a proxy passes on for `address`, 0 without a response."""
    body = json.dumps({"username": username, "password": password})
    try:
        connection.request("POST", "/users/authorization/", body, {"X-Forwarded-For": address})
        response = connection.getresponse()
        response.read()
    except (OSError, HTTPException):
        connection.close()
        return 0
    return response.status


@contextmanager
def attacked(service: Service, connections: int, addresses: int) -> Iterator[None]:
    """Guess from so many addresses of different networks; 0 is a new one each time."""
    attacker = fork.Process(target=guess, args=[service, connections, addresses], daemon=True)
    attacker.start()
    try:
        yield
    finally:
        attacker.kill()
        attacker.join()


def guess(service: Service, connections: int, addresses: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The process that started it ends it.
    numbers = itertools.count()

    def guess_on() -> None:
        connection = HTTPConnection("127.0.0.1", service.port, timeout=30)
        for number in numbers:
            place = number % addresses if addresses else number
            attempt(connection, f"10.{place // 256 % 256}.{place % 256}.1", f"user{number}", "wrong 7 mice")

    for _ in range(connections):
        threading.Thread(target=guess_on, daemon=True).start()
    signal.pause()
