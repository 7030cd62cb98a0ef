import contextlib
import socket
from collections.abc import Iterable
from http.client import HTTPConnection, HTTPException, HTTPResponse

from comparison import corpus_alerta, corpus_healthchecks
from comparison.alerta import Alerta
from comparison.corpus import Input
from comparison.healthchecks import Healthchecks
from comparison.peer import Peer
from resilience.wire import HOST

PATIENCE = 30
PATIENCE_RAW = 12


def hostile(peer: Peer) -> str:
    """F2: every bad request, once; a good one must be answered after them."""
    sent = unanswered = broken = 0
    for bad in inputs(peer):
        found = status(peer.port, bad)
        sent += 1
        unanswered += found is None
        broken += found is not None and found >= 500
        if found is None or found >= 500:
            print(f"    {found or 'no answer'}: {bad}", flush=True)
    lives = "ready" if peer.is_ready() else "NOT READY"
    return f"{broken} of {sent}, {unanswered} without an answer, {lives} after them"


def inputs(peer: Peer) -> Iterable[Input]:
    if isinstance(peer, Alerta):
        return corpus_alerta.inputs(peer)
    assert isinstance(peer, Healthchecks)
    return corpus_healthchecks.inputs(peer)


def status(port: int, bad: Input) -> int | None:
    try:
        return sent_by_library(port, bad) if bad.method else sent_as_bytes(port, bad.body or b"")
    except (OSError, HTTPException):
        return None


def sent_by_library(port: int, bad: Input) -> int:
    connection = HTTPConnection(HOST, port, timeout=PATIENCE)
    try:
        # A long body may be refused before all of it is sent.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.request(bad.method, bad.path, bad.body, dict(bad.headers))
        return connection.getresponse().status
    finally:
        connection.close()


def sent_as_bytes(port: int, content: bytes) -> int:
    with socket.create_connection((HOST, port), timeout=PATIENCE_RAW) as client:
        client.sendall(content)
        response = HTTPResponse(client)
        response.begin()
        return response.status
