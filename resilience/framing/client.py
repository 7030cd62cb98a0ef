"""Sends streams, many at once, and reads what comes back until nothing more does."""

import contextlib
import socket
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial

from bench.http_client import HOST
from resilience.attacks.raw import MAX_READ, statuses
from resilience.framing.streams import Stream, stream
from resilience.load import fork

PROCESSES = 2
THREADS = 16
BATCH = 200
SILENCE = 0.4
PAUSE = 0.002  # between pieces, so that they arrive one by one

Received = tuple[str, ...]


def send_all(port: int, seed: int, numbers: Sequence[int]) -> list[Received]:
    """Send these streams; return the statuses that each got, without those of 1xx."""
    batches = [numbers[start : start + BATCH] for start in range(0, len(numbers), BATCH)]
    with ProcessPoolExecutor(PROCESSES, mp_context=fork) as pool:
        parts = pool.map(partial(send_batch, port, seed), batches)
        return [received for part in parts for received in part]


def send_batch(port: int, seed: int, numbers: Sequence[int]) -> list[Received]:
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(lambda number: send(port, stream(seed, number)), numbers))


def send(port: int, given: Stream, silence: float = SILENCE) -> Received:
    received = b""
    with socket.socket() as client, contextlib.suppress(OSError):
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.bind((given.address, 0))
        client.settimeout(silence)
        client.connect((HOST, port))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            deliver(client, given)
        while piece := client.recv(MAX_READ):
            received += piece
    return tuple(status for status in statuses(received) if not status.startswith("1"))


def deliver(client: socket.socket, given: Stream) -> None:
    is_bytewise = len(given.cuts) == len(given.data)
    start = 0
    for cut in (*given.cuts, len(given.data)):
        client.sendall(given.data[start:cut])
        start = cut
        if not is_bytewise:
            time.sleep(PAUSE)
    if given.half_closed:
        client.shutdown(socket.SHUT_WR)
