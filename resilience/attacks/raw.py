"""Bytes as a hostile client sends them, which no HTTP client would."""

import contextlib
import re
import socket
import time
from collections.abc import Iterator

from bench.http_client import HOST

MAX_READ = 1 << 18


def connect(port: int, *, timeout: float = 60, receive_buffer: int = 0) -> socket.socket:
    client = socket.socket()
    client.settimeout(timeout)
    if receive_buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    try:
        client.connect((HOST, port))
    except OSError:
        client.close()
        raise
    return client


def get(path: str, headers: dict[str, str], method: str = "GET") -> bytes:
    """Return a request whose response ends with its connection."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n{lines}\r\n".encode()


def status(response: bytes) -> str:
    """Return the status in the first line of a response."""
    words = response[:20].split()
    return words[1].decode(errors="replace") if len(words) > 1 else "no response"


def read_all(client: socket.socket) -> tuple[bytes, int]:
    """Read to the end as fast as possible; return the beginning and how many bytes there were."""
    first = client.recv(MAX_READ)
    size = len(first)
    buffer = bytearray(MAX_READ)
    while count := client.recv_into(buffer):
        size += count
    return first, size


def exchange(port: int, data: bytes, seconds: float) -> tuple[bytes, float]:
    """Send, then read until the service closes or `seconds` are over; return what came, and when it ended."""
    began = time.monotonic()
    received = b""
    with connect(port, timeout=seconds) as client, contextlib.suppress(OSError):
        client.sendall(data)
        while (left := began + seconds - time.monotonic()) > 0:
            client.settimeout(left)
            piece = client.recv(MAX_READ)
            if not piece:
                break
            received += piece
    return received, time.monotonic() - began


def taken(port: int, data: bytes) -> Iterator[str]:
    """Send over new connections and take each response as fast as it comes."""
    while True:
        with connect(port) as client:
            client.sendall(data)
            first, _size = read_all(client)
        yield status(first)


def left_untaken(port: int, data: bytes) -> Iterator[str]:
    """Send once over one connection and take nothing of the response."""
    with connect(port, receive_buffer=4096) as client:
        client.sendall(data)
        yield "sent"
        yield from held()


def held() -> Iterator[str]:
    while True:
        time.sleep(0.1)
        yield ""


def conversation(
    client: socket.socket, packets: tuple[bytes, ...], responses: int, seconds: float
) -> tuple[list[str], float]:
    """Send packet by packet; return the statuses of the first responses, and when the last of them came."""
    began = time.monotonic()
    received = b""
    with contextlib.suppress(OSError):
        for packet in packets:
            client.sendall(packet)
            time.sleep(0.1)
        while len(statuses(received)) < responses and (left := began + seconds - time.monotonic()) > 0:
            client.settimeout(left)
            piece = client.recv(MAX_READ)
            if not piece:
                break
            received += piece
    return statuses(received), time.monotonic() - began


def statuses(received: bytes) -> list[str]:
    return [match.decode() for match in re.findall(rb"HTTP/1\.[01] (\d{3}) ", received)]
