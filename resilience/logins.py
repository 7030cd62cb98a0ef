import itertools
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException

from resilience.figures import Figure, milliseconds
from resilience.load import fork
from resilience.service import PASSWORD, Service, running

LIMIT_SECONDS = 5.0
RETRY_SECONDS = 1.0
WARM_UP_SECONDS = 3.0
KNOWN, NEW, MISTYPED = (
    "where the user logged in before",
    "from a new network",
    "from a new network after a wrong password",
)

# The address, the name and the password of each attempt, by its number.
Guess = Callable[[int], tuple[str, str, str]]


def network(number: int) -> str:
    return f"10.{number // 256 % 256}.{number % 256}.1"


def wrong(address: str, number: int) -> tuple[str, str, str]:
    return address, f"user{number}", "wrong 7 mice"


EVER_NEW = "guess from ever new networks"
ATTACKS: dict[str, Guess] = {
    "guess from one address": lambda number: wrong(network(0), number),
    "guess from 20 addresses of a network": lambda number: wrong(f"10.0.0.{1 + number % 20}", number),
    "guess from a hundred networks": lambda number: wrong(network(number % 100), number),
    EVER_NEW: lambda number: wrong(network(number), number),
    "log in with a right password": lambda _number: (network(0), "admin", PASSWORD),
}


def run(*, seconds: int = 20) -> list[Figure]:
    """Right logins from another address while clients guess passwords or log in without pause."""
    return [
        figure
        for connections in (8, 64, 256)
        for attack in ATTACKS
        for figure in measure(connections, attack, seconds)
    ]


def measure(connections: int, attack: str, seconds: int) -> Iterator[Figure]:
    """Attack one service; try right logins from the address of an earlier login, then from new networks."""
    with running(TRUSTED_PROXIES="1") as service:
        known = itertools.repeat("198.51.100.7")
        log_in(service, next(known))
        new = (f"198.{18 + number // 250}.{number % 250}.7" for number in itertools.count())
        with attacked(service, connections, ATTACKS[attack]):
            time.sleep(WARM_UP_SECONDS)
            times = {
                KNOWN: right_logins(service, known, seconds),
                NEW: right_logins(service, new, seconds),
                MISTYPED: right_logins(service, new, seconds, mistakes=1),
            }
    for origin, taken in times.items():
        succeeded = [value for value in taken if value <= LIMIT_SECONDS]
        # Nothing distinguishes a guess from a new network from somebody's first login there.
        is_promised = origin == KNOWN or attack != EVER_NEW
        yield Figure(
            "",
            f"right logins {origin}, {connections} connections {attack}",
            f"all within {LIMIT_SECONDS:.0f} s" if is_promised else "measured, not promised",
            f"{len(succeeded)} of {len(taken)}, slowest {milliseconds(max(taken))}",
            len(succeeded) == len(taken) or not is_promised,
        )


def right_logins(
    service: Service, addresses: Iterator[str], seconds: int, *, mistakes: int = 0
) -> list[float]:
    """Log in again and again; return the seconds of each, repeated as Retry-After asks, up to the limit."""
    times = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        address = next(addresses)
        for _mistake in range(mistakes):
            log_in(service, address, "mistyped 7 mice")
        began = time.monotonic()
        while (status := log_in(service, address)) != 200:
            if time.monotonic() - began > LIMIT_SECONDS:
                break
            time.sleep(RETRY_SECONDS)
        taken = time.monotonic() - began
        times.append(taken if status == 200 else max(taken, 2 * LIMIT_SECONDS))
        time.sleep(0.2)
    return times


def log_in(service: Service, address: str, password: str = PASSWORD) -> int:
    connection = HTTPConnection("127.0.0.1", service.port, timeout=30)
    try:
        return attempt(connection, address, "admin", password)
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
def attacked(service: Service, connections: int, guess: Guess) -> Iterator[None]:
    attacker = fork.Process(target=attack, args=[service, connections, guess], daemon=True)
    attacker.start()
    try:
        yield
    finally:
        attacker.kill()
        attacker.join()


def attack(service: Service, connections: int, guess: Guess) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The process that started it ends it.
    numbers = itertools.count()

    def guess_on() -> None:
        connection = HTTPConnection("127.0.0.1", service.port, timeout=30)
        for number in numbers:
            attempt(connection, *guess(number))

    for _ in range(connections):
        threading.Thread(target=guess_on, daemon=True).start()
    signal.pause()
