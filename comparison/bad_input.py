import contextlib
import socket
from collections.abc import Iterable
from http.client import HTTPConnection, HTTPException, HTTPResponse

from bench.http_client import HOST
from comparison import corpus_alerta, corpus_healthchecks
from comparison.alerta import Alerta
from comparison.corpus import Input
from comparison.healthchecks import Healthchecks
from comparison.product import Product

TIMEOUT = 30
RAW_TIMEOUT = 12


def bad_input(product: Product) -> str:
    """F2: every bad request, once; after them a good one must be accepted."""
    sent = no_response = broken = 0
    for bad in inputs(product):
        found = status(product.port, bad)
        sent += 1
        no_response += found is None
        broken += found is not None and found >= 500
        if found is None or found >= 500:
            print(f"    {found or 'no response'}: {bad}", flush=True)
    lives = "ready" if product.is_ready() else "NOT READY"
    return f"{broken} of {sent}, {no_response} without a response, {lives} after them"


def inputs(product: Product) -> Iterable[Input]:
    if isinstance(product, Alerta):
        return corpus_alerta.inputs(product)
    assert isinstance(product, Healthchecks)
    return corpus_healthchecks.inputs(product)


def status(port: int, bad: Input) -> int | None:
    try:
        return sent_by_library(port, bad) if bad.method else sent_as_bytes(port, bad.body or b"")
    except (OSError, HTTPException):
        return None


def sent_by_library(port: int, bad: Input) -> int:
    connection = HTTPConnection(HOST, port, timeout=TIMEOUT)
    try:
        # A long body may be refused before all of it is sent.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.request(bad.method, bad.path, bad.body, dict(bad.headers))
        return connection.getresponse().status
    finally:
        connection.close()


def sent_as_bytes(port: int, content: bytes) -> int:
    with socket.create_connection((HOST, port), timeout=RAW_TIMEOUT) as client:
        client.sendall(content)
        response = HTTPResponse(client)
        response.begin()
        return response.status
