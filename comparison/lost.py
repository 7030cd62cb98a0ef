import contextlib
import json
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException, HTTPResponse

from comparison.peer import Peer
from resilience.held import hold
from resilience.wire import HOST, Answer, Lost, Request

EACH = 200
ATTEMPTS = 3
PATIENCE = 10.0
IN_FLIGHT = 16
ROUNDS = 5
BOTH_UP = 0.5  # seconds, in which the second worker starts too


def held(peer: Peer) -> str:
    """F5: another client asks while idle and half-sent connections are held."""
    head, body = in_bytes(peer.create("held", "text"))
    with contextlib.ExitStack() as stack:
        for sent in (b"", head[:-10], head + body[:9]):
            for _ in range(EACH):
                hold(stack, peer, sent)
        time.sleep(1)
        return ", ".join(asked(peer) for _ in range(ATTEMPTS))


def asked(peer: Peer) -> str:
    try:
        answer = peer.send(Request("GET", peer.ready), timeout=PATIENCE)
    except Lost:
        return f"no answer within {PATIENCE:.0f} s"
    return f"{answer.status} in {answer.seconds:.2f} s"


def stop(peer: Peer) -> str:
    """F11: SIGTERM behind requests in flight."""
    lost = unstored = 0
    for number in range(ROUNDS):
        if peer.has_ended():
            peer.start()
            peer.wait_until_ready()
        time.sleep(BOTH_UP)
        made = stopped(peer, number)
        peer.stop()
        lost += IN_FLIGHT - len(made)
        unstored += len(made - {pk for _, pk, _ in peer.stored()})
    return f"{lost} of {IN_FLIGHT * ROUNDS} lost, {unstored} acknowledged and not stored"


def stopped(peer: Peer, number: int) -> set[int]:
    """Send requests and SIGTERM behind them; return the ids that were answered."""
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(IN_FLIGHT) as pool:
        clients = [
            stack.enter_context(socket.create_connection((HOST, peer.port), timeout=40))
            for _ in range(IN_FLIGHT)
        ]
        for place, client in enumerate(clients):
            client.sendall(b"".join(in_bytes(peer.create(f"stop-{number}-{place}", "text"))))
        assert peer.process
        peer.process.send_signal(signal.SIGTERM)
        answers = pool.map(answered, clients)
        return {peer.made(answer) for answer in answers if answer and answer.status in {200, 201}}


def answered(client: socket.socket) -> Answer | None:
    with contextlib.suppress(OSError, HTTPException):
        response = HTTPResponse(client)
        response.begin()
        return Answer(response.status, dict(response.getheaders()), response.read(), 0)
    return None


def in_bytes(request: Request) -> tuple[bytes, bytes]:
    """Return the head and the body of a request as they are sent."""
    body = json.dumps(request.body).encode()
    given = {
        **request.headers,
        "Host": HOST,
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"{request.method} {request.path} HTTP/1.1\r\n{head}\r\n".encode(), body
