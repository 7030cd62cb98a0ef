import contextlib
import socket
import time
import uuid
from collections.abc import Callable, Iterable, Iterator

from bench.http_client import HOST, Client, NoResponse, Request
from resilience.figures import Figure, milliseconds, spread
from resilience.load import dialects
from resilience.service import KINDS, Service, running

WARM_UP = 50
CALLS = 200
MAX_FAILURES = 3
TIMEOUT = 5.0  # seconds
LONG_TEXT = "Самокат не в сети " * 50
RECEIVE_BUFFER = 4096  # bytes, so that a whole list cannot be sent


def run(
    *, each: int = 200, readers: int = 40, kind: str = "service", gunicorn_args: str = ""
) -> list[Figure]:
    """F5: another client calls beside idle and half-sent connections, then beside clients that read nothing.

    `gunicorn_args` is GUNICORN_CMD_ARGS, to try another worker: "--worker-class gthread --threads 4".
    """
    settings = {"GUNICORN_CMD_ARGS": gunicorn_args} if gunicorn_args else {}
    with running(KINDS[kind], **settings) as service:
        token = service.login() if kind == "service" else ""
        dialect = dialects(token)[-1]

        def create() -> Request:
            return dialect.create(uuid.uuid4().hex, LONG_TEXT)

        call(service, create, WARM_UP)
        head, body = create().head_and_body()
        held = {"idle": b"", "half a head": head[:-10], "half a body": head + body[:20]}
        with hold(service, [part for part in held.values() for _ in range(each)]):
            situation = f"{3 * each} connections are held ({', '.join(held)}), {kind}"
            figures = [figure(service, create, situation)]
        if token and readers:
            call(service, create, 3000)
            whole_list = Request("POST", "/incidents/get_all/", {"token": token}).head_and_body()
            memory = service.private_memory()
            with hold(service, [b"".join(whole_list)] * readers, receive_buffer=RECEIVE_BUFFER):
                situation = f"{readers} clients ask for the whole list and read nothing"
                figures.append(figure(service, create, situation))
                print(f"{situation}: {service.private_memory() - memory:+.0f} MB in the workers")
    return figures


def figure(service: Service, create: Callable[[], Request], situation: str) -> Figure:
    seconds, failures = call(service, create, CALLS)
    found = spread(seconds) if seconds else f"no response within {milliseconds(TIMEOUT)}"
    return Figure(
        "F5",
        f"another client's create while {situation}",
        "< 50 ms",
        f"{found}, {failures} without a response",
        not failures and max(seconds) < 0.05,
    )


def call(service: Service, make: Callable[[], Request], count: int) -> tuple[list[float], int]:
    """Send requests, each over a new connection; return the responses' seconds and the number of failures."""
    seconds: list[float] = []
    failures = 0
    while len(seconds) < count and failures < MAX_FAILURES:
        try:
            with Client(service.port, timeout=TIMEOUT) as client:
                seconds.append(client.send(make()).seconds)
        except NoResponse:
            failures += 1
    return seconds, failures


@contextlib.contextmanager
def hold(service: Service, parts: Iterable[bytes], *, receive_buffer: int = 0) -> Iterator[None]:
    """Open a connection for each of `parts`, send the part over it and leave it at that."""
    with contextlib.ExitStack() as stack:
        for part in parts:
            client = stack.enter_context(socket.socket())
            if receive_buffer:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            client.settimeout(TIMEOUT)
            client.connect((HOST, service.port))
            client.sendall(part)
        time.sleep(1)
        yield
