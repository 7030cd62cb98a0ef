from collections.abc import Callable
from typing import Any

from common.progress import Progress
from resilience.figures import Figure
from resilience.load import fork
from resilience.service import Service, running
from resilience.wire import Line, Request

CLIENTS = 16
WHOLE_LISTS = 320
PORTION = 1000
LOOK_EVERY = 10_000
KEPT = 2000  # incidents: what grows shall be the number of requests
Make = Callable[[str, int], Request]
WORDS = ("new", "processing", "completed", "fake", "unknown")


def run(*, first: int = 10_000, last: int = 100_000) -> list[Figure]:
    """F14: the workers' own memory after many requests of every kind; both numbers in whole thousands."""
    with running() as service, Progress("Requests", last) as progress:
        token = service.login()
        resident = []
        for number in range(0, last, PORTION):
            send(service, token, request, number, PORTION)
            done = number + PORTION
            progress.set(done)
            if done == first:
                # They take so long that every thread has a turn before the first look: that of one which is
                # seldom needed would come later, and look like growth.
                send(service, token, whole_list, 0, WHOLE_LISTS)
            if done == first or (done > first and done % LOOK_EVERY == 0):
                resident.append(service.resident())
    growth = resident[-1] / resident[0] - 1
    return [
        Figure(
            "F14",
            f"workers' memory, {first:,} -> {last:,} requests",
            "< 5 %",
            f"{growth:+.1%} (both together, MB: {', '.join(f'{size / 1e6:.1f}' for size in resident)})",
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
                raise RuntimeError("a client got a wrong answer")
    finally:
        for client in clients:
            client.kill()


def send_all(port: int, token: str, request: Make, numbers: range) -> None:
    with Line(port) as line:
        for number in numbers:
            answer = line.send(request(token, number))
            assert answer.status in {200, 201, 400, 401, 404}, answer


def request(token: str, number: int) -> Request:
    """Return one request of each kind in turns, right ones and wrong ones."""
    bearer = {"Authorization": f"Bearer {token}"}
    word, pk, kept = WORDS[number // 8 % 5], 1 + number % 100, number % KEPT
    new = {"incident": f"Самокат {kept}", "source": "partner", "idempotency_key": f"memory-{kept}"}
    kinds = [
        post("create", token=token, **new),
        post("update", token=token, id=pk, status=word),
        post("update", token=token, id=pk, status=word, comment="Самокат в пути"),
        post("get_all", token=token, limit=100, status=word),
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
