from collections.abc import Iterator
from functools import partial

from bench.http_client import HOST
from resilience.attacks import raw
from resilience.attacks.accounts import bearer
from resilience.attacks.dataset import EMOJI, incident, load
from resilience.attacks.observed import observe
from resilience.attacks.target import Target
from resilience.figures import Figure

INCIDENTS = 1_000
LENGTH = 10_000
READERS = 20


def run(target: Target) -> list[Figure]:
    """20 readers who take nothing of a whole list, or of a page of 1,000, of long texts."""
    figures: list[Figure] = []
    for name in ("get_all", "REST page_size=1000"):
        with target.running() as service:
            load(service, (incident(number, EMOJI * LENGTH) for number in range(1, INCIDENTS + 1)))
            token = service.login()
            request = get_all(token) if name == "get_all" else page(token)
            observation = observe(
                target, service, token, READERS, partial(read_nothing, service.port, request)
            )
            figures += observation.figures("6", f"slow_readers: {READERS} take nothing of {name}")
    return figures


def get_all(token: str) -> bytes:
    body = f'{{"token": "{token}"}}'
    return (
        f"POST /incidents/get_all/ HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def page(token: str) -> bytes:
    return raw.get("/api/incidents/?page_size=1000", bearer(token))


def read_nothing(port: int, request: bytes, _number: int) -> Iterator[str]:
    yield from raw.left_untaken(port, request)
