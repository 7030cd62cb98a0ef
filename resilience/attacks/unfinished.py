from collections.abc import Iterator
from functools import partial

from resilience.attacks import raw
from resilience.attacks.observed import observe
from resilience.attacks.target import Target
from resilience.figures import Figure

BODY = 256 * 1024
CHUNKED = 590_000
HEAD = b"POST /incidents/create/ HTTP/1.1\r\nHost: localhost\r\n"
KINDS = {
    "half a head of 31 KB": HEAD + b"X-Half: " + b"a" * 31_000,
    "a body of 256 KB but its last byte": HEAD
    + f"Content-Length: {BODY}\r\n\r\n".encode()
    + b" " * (BODY - 1),
    "590 KB of one-byte chunks": HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n"
    + b"1\r\nx\r\n" * (CHUNKED // 6),
}


def run(target: Target) -> list[Figure]:
    """Unfinished heads, bodies and one-byte chunks of strangers: memory, and others' waiting."""
    clients = 200 if target.quick else 500
    figures: list[Figure] = []
    for name, data in KINDS.items():
        with target.running() as service:
            attack = partial(send_and_hold, service.port, data)
            observation = observe(target, service, service.login(), clients, attack)
            figures += observation.figures("16", f"unfinished: {clients} x {name}")
    return figures


def send_and_hold(port: int, data: bytes, _number: int) -> Iterator[str]:
    with raw.connect(port) as client:
        client.sendall(data)
        yield "sent"
        client.settimeout(0.1)
        while True:
            try:
                if not client.recv(1000):
                    break
            except TimeoutError:
                yield ""
    yield "closed by the service"
    yield from raw.held()
