import contextlib
import socket
import time
import uuid

from resilience.figures import Figure, milliseconds, spread
from resilience.load import Dialect, dialects
from resilience.service import KINDS, Service, running
from resilience.wire import HOST, Line, Lost

HEAD = b"POST /api/incidents/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n"
SENT = {"idle": b"", "half a head": HEAD[:-10], "half a body": HEAD + b'{"description": '}
WARM_UP = 50
CALLS = 200
GIVE_UP = 3
PATIENCE = 5.0


def run(*, each: int = 200, kind: str = "service") -> list[Figure]:
    """F5: idle and half-sent connections are held while another client calls."""
    with running(KINDS[kind]) as service, contextlib.ExitStack() as held:
        speak = dialects(service.login() if kind == "service" else "")[-1]
        create_some(service, speak, WARM_UP)
        for sent in SENT.values():
            for _ in range(each):
                hold(held, service, sent)
        time.sleep(1)
        seconds, unanswered = create_some(service, speak, CALLS)
    found = spread(seconds) if seconds else f"no answer within {milliseconds(PATIENCE)}"
    promise = f"another client's create while {3 * each} connections are held ({', '.join(SENT)}), {kind}"
    return [
        Figure(
            "F5",
            promise,
            "< 50 ms",
            f"{found}, {unanswered} unanswered",
            not unanswered and max(seconds) < 0.05,
        )
    ]


def create_some(service: Service, speak: Dialect, count: int) -> tuple[list[float], int]:
    """Create, each over a new connection; return the seconds of the answers, and how many never came."""
    seconds: list[float] = []
    unanswered = 0
    while len(seconds) < count and unanswered < GIVE_UP:
        try:
            with Line(service.port, timeout=PATIENCE) as line:
                seconds.append(line.send(speak.create(uuid.uuid4().hex, "Самокат")).seconds)
        except Lost:
            unanswered += 1
    return seconds, unanswered


def hold(held: contextlib.ExitStack, service: Service, sent: bytes) -> None:
    client = held.enter_context(socket.create_connection((HOST, service.port), timeout=PATIENCE))
    client.sendall(sent)
