import contextlib
import signal
import socket
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from bench.http_client import HOST, Request, Response, read_response
from resilience.audit import query
from resilience.figures import Figure
from resilience.load import dialects
from resilience.service import KINDS, Service, running


def run(*, in_flight: int = 100, rounds: int = 5, kind: str = "service") -> list[Figure]:
    """F11: SIGTERM with requests in flight, on new and on kept-alive connections."""
    lost, unstored, exit_codes = 0, 0, set()
    with running(KINDS[kind]) as service:
        dialect = dialects(service.login() if kind == "service" else "")[-1]
        for number in range(rounds):
            if service.has_ended():
                service.start()
                service.wait_until_ready()
            keep_alive = number % 2 == 1 and kind == "service"
            responses = sigterm_behind(
                service,
                lambda: dialect.create(uuid.uuid4().hex, "Самокат"),
                in_flight,
                keep_alive=keep_alive,
            )
            created = {dialect.created_id(response) for response in responses if response.status == 201}
            assert service.process
            exit_codes.add(service.process.wait(40))
            lost += in_flight - len(created)
            table = "incidents_incident" if kind == "service" else "reference_incident"
            stored = {pk for (pk,) in query(service, f"SELECT id FROM {table}")}
            unstored += len(created - stored)
    return [
        Figure(
            "F11",
            f"requests in flight lost on SIGTERM, {rounds} times {in_flight}, {kind}",
            "0",
            f"{lost} lost, {unstored} acknowledged and not stored, exit codes {sorted(exit_codes)}",
            lost == unstored == 0 and exit_codes == {0},
        )
    ]


def sigterm_behind(
    service: Service, create: Callable[[], Request], in_flight: int, *, keep_alive: bool = False
) -> list[Response]:
    """Send so many requests, each over its own connection, and SIGTERM behind them; return the responses."""

    def connect() -> socket.socket:
        client = socket.create_connection((HOST, service.port), timeout=40)
        if keep_alive:
            # A request before it makes it a kept-alive connection.
            client.sendall(b"".join(create().head_and_body()))
            assert read_response(client) is not None
        return client

    with contextlib.ExitStack() as stack, ThreadPoolExecutor(in_flight) as pool:
        clients = [stack.enter_context(connect()) for _ in range(in_flight)]
        for client in clients:
            client.sendall(b"".join(create().head_and_body()))
        assert service.process
        service.process.send_signal(signal.SIGTERM)
        return [response for response in pool.map(read_response, clients) if response is not None]
