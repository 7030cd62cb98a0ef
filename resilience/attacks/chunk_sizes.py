import random
import time
from collections.abc import Iterator
from functools import partial

from resilience.attacks import raw
from resilience.attacks.attackers import Attackers
from resilience.attacks.observed import LOOK_EVERY, observe
from resilience.attacks.target import Target
from resilience.figures import Figure

HEAD = b"POST /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
MAX_DIGITS = 17
MAX_SECONDS = 100
CLIENTS = 8
HELD = 40
WORST = b"8000000000000000\r\n"


def run(target: Target) -> list[Figure]:
    """Chunk sizes of 1 to 17 hexadecimal digits; then 40 held connections that send the worst at once."""
    return [packets(target), *at_once(target)]


def packets(target: Target) -> Figure:
    count = 5_000 if target.quick else 100_000
    with target.running() as service:
        workers = before = set(service.workers())
        end = time.monotonic() + (15 if target.quick else MAX_SECONDS)
        attackers = Attackers(CLIENTS, partial(send_packets, service.port, count // CLIENTS))
        with attackers:
            while time.monotonic() < end and attackers.are_at_work:
                time.sleep(LOOK_EVERY)
                workers = workers | set(service.workers())
        time.sleep(1)
        ended = len(workers - set(service.workers()))
    return Figure(
        "1",
        f"chunk_sizes: workers ended by {count:,} packets of all lengths of a chunk's size",
        "0",
        f"{ended} ended of {len(before)} at first and {len(workers)} in all; the clients got {attackers}",
        ended == 0 and not attackers.are_at_work,
    )


def send_packets(port: int, count: int, number: int) -> Iterator[str]:
    rng = random.Random(number)
    for _ in range(count):
        try:
            with raw.connect(port, timeout=5) as client:
                client.sendall(HEAD + size(rng) + b"\r\n")
            yield "sent"
        except OSError as error:
            yield type(error).__name__


def size(rng: random.Random) -> bytes:
    """Return a chunk's size of any length, often one at a limit of 31, 32, 63 or 64 bits."""
    digits = rng.randint(1, MAX_DIGITS)
    first = rng.choice("0178fF" + "0123456789abcdefABCDEF")
    rest = rng.choice(["0", "f", "F", None])
    return (first + "".join(rest or rng.choice("0123456789abcdef") for _ in range(digits - 1))).encode()


def at_once(target: Target) -> list[Figure]:
    with target.running() as service:
        attack = partial(send_at_once, service.port)
        return observe(target, service, service.login(), HELD, attack).figures(
            "1", f"chunk_sizes: {HELD} held connections send at once"
        )


def send_at_once(port: int, _number: int) -> Iterator[str]:
    with raw.connect(port) as client:
        client.sendall(HEAD)
        time.sleep(1)
        client.sendall(WORST)
        yield raw.status(client.recv(1000))
        yield from raw.held()
