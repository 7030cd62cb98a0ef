import contextlib
import json
import socket
import time

from resilience.attacks import raw
from resilience.attacks.accounts import bearer
from resilience.attacks.dataset import EMOJI, incident, load
from resilience.attacks.target import Target
from resilience.figures import Figure
from resilience.service import Service

PLACES = 50  # of each of the two workers
INCIDENTS = 300
LENGTH = 10_000
READ_EVERY = 0.1
PIECE = 200_000


def run(target: Target) -> list[Figure]:
    """Places run out: idle strangers against a slow upload and a slow download."""
    settings = {"GUNICORN_CMD_ARGS": f"--worker-connections {PLACES}"}
    with target.running(**settings) as service, contextlib.ExitStack() as stack:
        load(service, (incident(number, EMOJI * LENGTH) for number in range(1, INCIDENTS + 1)))
        token = service.login()
        upload, body = begin_upload(stack, service, token)
        download = stack.enter_context(raw.connect(service.port, timeout=10, receive_buffer=65536))
        download.sendall(raw.get(f"/api/incidents/?page_size={INCIDENTS}", bearer(token)))
        received = b""
        strangers: list[socket.socket] = []
        for _ in range(3 * PLACES):
            with contextlib.suppress(OSError):
                strangers.append(stack.enter_context(raw.connect(service.port, timeout=5)))
            time.sleep(0.01)
        time.sleep(1)
        idle = sum(is_open(stranger) for stranger in strangers)
        with contextlib.suppress(OSError):
            upload.sendall(body)
            received = upload.recv(1000)
        expected, size = read_slowly(download)
    return [
        Figure(
            "10",
            f"places: a slow upload beside {len(strangers)} idle strangers, {2 * PLACES} places",
            "201",
            f"{raw.status(received)}; {idle} idle strangers stay",
            raw.status(received) == "201",
        ),
        Figure(
            "10",
            "places: a slow download beside them",
            "whole",
            f"{size / 1e6:.1f} of {expected / 1e6:.1f} MB",
            0 < expected == size,
        ),
    ]


def begin_upload(stack: contextlib.ExitStack, service: Service, token: str) -> tuple[socket.socket, bytes]:
    """Send a create but the last half of its body, which is returned."""
    body = json.dumps({"token": token, "incident": "Самокат", "source": "operator"}).encode()
    head = "POST /incidents/create/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    client = stack.enter_context(raw.connect(service.port, timeout=10))
    client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:20])
    return client, body[20:]


def is_open(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        return client.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def read_slowly(client: socket.socket) -> tuple[int, int]:
    """Read a response piece by piece; return its whole length, 0 if unknown, and that of what came."""
    received = b""
    with contextlib.suppress(OSError):
        while piece := client.recv(PIECE):
            received += piece
            time.sleep(READ_EVERY / 10)
    head, _, body = received.partition(b"\r\n\r\n")
    lengths = [
        line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
    ]
    whole = len(body) if body.endswith(b"\r\n0\r\n\r\n") else 0  # the end of a chunked one
    return int(lengths[0]) if lengths else whole, len(body)
