from collections.abc import Callable
from typing import Any

from bench.http_client import Client, Request
from common.progress import Progress
from resilience.figures import Figure
from resilience.load import fork
from resilience.service import Service, running

CLIENTS = 16
WHOLE_LISTS = 320
BATCH = 1000
SAMPLE_EVERY = 10_000
MAX_INCIDENTS = 2000  # the number of requests grows, not that of incidents
Make = Callable[[str, int], Request]
STATUSES = ("new", "processing", "completed", "fake", "unknown")


def run(*, first: int = 10_000, last: int = 100_000) -> list[Figure]:
    """F14: the workers' own memory after many requests of every kind; both numbers in whole thousands."""
    with running() as service, Progress("Requests", last) as progress:
        token = service.login()
        samples = []
        for number in range(0, last, BATCH):
            send(service, token, request, number, BATCH)
            done = number + BATCH
            progress.set(done)
            if done == first:
                # These take so long that every thread runs before the first sample: the first use of another
                # thread would look like growth.
                send(service, token, whole_list, 0, WHOLE_LISTS)
            if done == first or (done > first and done % SAMPLE_EVERY == 0):
                samples.append(service.private_memory())
    growth = samples[-1] / samples[0] - 1
    return [
        Figure(
            "F14",
            f"workers' memory, {first:,} -> {last:,} requests",
            "< 5 %",
            f"{growth:+.1%} (both together, MB: {', '.join(f'{size:.1f}' for size in samples)})",
            growth < 0.05,
        )
    ]


def send(service: Service, token: str, request: Make, start: int, count: int) -> None:
    """Send the requests from number `start` on, through several processes."""
    share = [range(start + client, start + count, CLIENTS) for client in range(CLIENTS)]
    clients = [
        fork.Process(target=send_all, args=[service.port, token, request, part], daemon=True)
        for part in share
    ]
    try:
        for client in clients:
            client.start()
        for client in clients:
            client.join()
            if client.exitcode:
                raise RuntimeError("a client got a wrong response")
    finally:
        for client in clients:
            client.kill()


def send_all(port: int, token: str, request: Make, numbers: range) -> None:
    with Client(port) as client:
        for number in numbers:
            response = client.send(request(token, number))
            assert response.status in {200, 201, 400, 401, 404}, response


def request(token: str, number: int) -> Request:
    """Return valid and invalid requests of every kind, one after the other."""
    bearer = {"Authorization": f"Bearer {token}"}
    status, pk, kept = STATUSES[number // 8 % 5], 1 + number % 100, number % MAX_INCIDENTS
    new = {"incident": f"Самокат {kept}", "source": "partner", "idempotency_key": f"memory-{kept}"}
    kinds = [
        post("create", token=token, **new),
        post("update", token=token, id=pk, status=status),
        post("update", token=token, id=pk, status=status, comment="Самокат в пути"),
        post("get_all", token=token, limit=100, status=status),
        Request("GET", f"/api/incidents/?page_size=20&search={number % 100}", None, bearer),
        Request("PATCH", f"/api/incidents/{pk}/", {"status": "closed"}, bearer),
        post("create", token="inc_" + "x" * 43, incident=number),
        post("update", token=token, id=[number], status=None),
    ]
    return kinds[number % len(kinds)]


def whole_list(token: str, _number: int) -> Request:
    return post("get_all", token=token)


def post(call: str, **body: Any) -> Request:
    return Request("POST", f"/incidents/{call}/", body)
