"""The same streams through proxies that reuse their connections to the worker."""

import random
from concurrent.futures import ThreadPoolExecutor

from bench.http_client import Client, NoResponse
from resilience.attacks import proxies
from resilience.figures import Figure
from resilience.framing import client
from resilience.framing.servers import Server
from resilience.framing.streams import stream

THREADS = 8
PROBES = 2


def run(server: Server, seed: int, streams: int) -> list[Figure]:
    """Send streams through each installed proxy, and behind each stream other clients' own requests."""
    figures = []
    for proxy in proxies.PROXIES:
        if not proxies.installed(proxy):
            continue
        with proxies.in_front_of(server.port, proxy) as port, ThreadPoolExecutor(THREADS) as pool:
            wrong = sum(pool.map(lambda number: wrong_responses(port, seed, number), range(streams)))
        figures.append(
            Figure(
                "",
                f"framing: responses to others' requests through {proxy.name}, {streams:,} streams",
                "0 wrong or missing",
                f"{wrong:,} of {PROBES * streams:,}",
                wrong == 0,
            )
        )
    return figures


def wrong_responses(port: int, seed: int, number: int) -> int:
    client.send(port, stream(seed, number))
    wrong = 0
    for _ in range(PROBES):
        target = f"/probe/{random.getrandbits(64):x}"
        try:
            with Client(port, timeout=10) as other:
                response = other.get(target)
            wrong += response.status != 200 or response.body != f"saw {target}\n".encode()
        except NoResponse:
            wrong += 1
    return wrong
