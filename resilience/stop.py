import contextlib
import itertools
import json
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException, HTTPResponse

from resilience.audit import query
from resilience.figures import Figure
from resilience.load import Dialect, dialects
from resilience.service import KINDS, Service, running
from resilience.wire import HOST


def run(*, in_flight: int = 100, rounds: int = 5, kind: str = "service") -> list[Figure]:
    """F11: SIGTERM with requests in flight, on new and on kept connections."""
    lost, unstored, ends = 0, 0, []
    with running(KINDS[kind]) as service:
        speak = dialects(service.login() if kind == "service" else "")[-1]
        for number in range(rounds):
            if service.has_ended():
                service.start()
                service.wait_until_ready()
            made = stopped(service, speak, in_flight, kept=number % 2 == 1 and kind == "service")
            assert service.process
            ends.append(service.process.wait(40))
            lost += in_flight - len(made)
            table = "incidents_incident" if kind == "service" else "reference_incident"
            stored = {pk for (pk,) in query(service, f"SELECT id FROM {table}")}
            unstored += len(made - stored)
    return [
        Figure(
            "F11",
            f"requests in flight lost on SIGTERM, {rounds} times {in_flight}, {kind}",
            "0",
            f"{lost} lost, {unstored} acknowledged and not stored, exit codes {sorted(set(ends))}",
            lost == unstored == 0 and set(ends) == {0},
        )
    ]


def stopped(service: Service, speak: Dialect, in_flight: int, *, kept: bool) -> set[int]:
    """Send so many requests and SIGTERM behind them; return the ids that were answered."""
    keys = itertools.count()

    def sent() -> socket.socket:
        client = socket.create_connection((HOST, service.port), timeout=40)
        if kept:
            # A request answered before makes it a kept connection.
            client.sendall(create())
            assert answered(client) is not None
        return client

    def create() -> bytes:
        request = speak.create(f"stop-{id(keys)}-{service.master}-{next(keys)}", "Самокат")
        body = json.dumps(request.body).encode()
        given = {**request.headers, "Host": HOST, "Content-Length": str(len(body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
        kind = "Content-Type: application/json\r\n"
        return f"POST {request.path} HTTP/1.1\r\n{head}{kind}\r\n".encode() + body

    def answered(client: socket.socket) -> int | None:
        with contextlib.suppress(OSError, HTTPException, ValueError):
            response = HTTPResponse(client)
            response.begin()
            body = json.loads(response.read())
            return int(body["id"]) if response.status == 201 else None
        return None

    with contextlib.ExitStack() as stack, ThreadPoolExecutor(in_flight) as pool:
        clients = [stack.enter_context(sent()) for _ in range(in_flight)]
        for client in clients:
            client.sendall(create())
        assert service.process
        service.process.send_signal(signal.SIGTERM)
        return {pk for pk in pool.map(answered, clients) if pk is not None}
