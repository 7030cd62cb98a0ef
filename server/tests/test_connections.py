"""Slow, idle and too many clients."""

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.tests.serving import Service, everything, get, serving
from server.tests.test_http import ANSWER, CALL, chunked

HALF_HEAD = CALL[:30]
HALF_BODY = CALL[:-1]
SLOW = [b"", HALF_HEAD, HALF_BODY, chunked(b"{}")[:-4]]


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with serving(workers=2) as running:
        yield running


@pytest.fixture(scope="module")
def hasty() -> Iterator[Service]:
    """A service with deadlines and places so few that a test can use them up."""
    with serving("Small", "--timeout", "3", "--keep-alive", "2", "--worker-connections", "20") as running:
        yield running


@pytest.mark.parametrize("sent", SLOW, ids=["idle", "head", "body", "chunks"])
def test_slow_senders_keep_no_other_client_waiting(service: Service, sent: bytes) -> None:
    with contextlib.ExitStack() as held:
        for _ in range(50):
            held.enter_context(service.connect(sent))
        assert service.seconds() < 2


def test_slow_readers_keep_no_other_client_waiting(service: Service) -> None:
    with contextlib.ExitStack() as held:
        for _ in range(10):
            held.enter_context(service.connect(get("/large"), receive_buffer=4096))
        time.sleep(0.3)
        assert service.seconds() < 2


def test_tiny_chunks_of_many_clients_keep_no_other_client_waiting() -> None:
    """All of them take 15 s to parse."""
    tiny = chunked()[:-5] + b"1\r\na\r\n" * 70_000
    with serving("Large", "--graceful-timeout", "1") as service, contextlib.ExitStack() as held:
        for _ in range(100):
            client = held.enter_context(service.connect())
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                client.send(tiny)
        assert min(service.seconds() for _ in range(3)) < 1
        # And an honest chunked body arrives.
        with service.connect(chunked(b"{}")) as other:
            assert other.recv(1000).endswith(ANSWER)


def test_tiny_chunks_of_many_clients_keep_no_other_chunked_body_waiting() -> None:
    tiny = chunked()[:-5] + b"1\r\na\r\n" * 43_000
    with serving("Large", "--graceful-timeout", "1") as service, contextlib.ExitStack() as held:
        for _ in range(30):
            client = held.enter_context(service.connect())
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                client.send(tiny)
        started = time.monotonic()
        for _ in range(10):
            assert b"HTTP/1.1 200" in service.exchange(chunked(*[b" " * 32_768] * 7))
        assert time.monotonic() - started < 4


def test_clients_that_leave_harm_no_other(service: Service) -> None:
    workers = service.workers
    for sent in (b"", HALF_HEAD, HALF_BODY, CALL, CALL * 20, get("/large"), get("/stream")):
        for _ in range(5):
            service.connect(sent).close()
    assert service.seconds() < 2
    assert service.workers == workers
    assert "Traceback" not in service.log


def test_slow_clients_are_dropped_at_their_deadline(hasty: Service) -> None:
    started = time.monotonic()
    with contextlib.ExitStack() as held:
        reader = held.enter_context(hasty.connect(get("/large"), receive_buffer=4096))
        idle = held.enter_context(hasty.connect(CALL))
        slow = {held.enter_context(hasty.connect()): sent for sent in SLOW if sent}
        # A deadline is for the whole request: to send it byte by byte gains no time.
        for position in range(20):
            for client, sent in slow.items():
                client.sendall(sent[position : position + 1])
            time.sleep(0.05)
        for client, sent in slow.items():
            client.sendall(sent[20:])
        assert ANSWER in everything(idle)
        assert [everything(client) for client in slow] == [b""] * len(slow)
        assert 2.5 < time.monotonic() - started < 6
        time.sleep(1.5)
        assert len(everything(reader)) < 7_000_000


def test_a_new_client_takes_the_place_of_an_idle_one_before_that_of_a_working_one(hasty: Service) -> None:
    with contextlib.ExitStack() as held:
        reader = held.enter_context(hasty.connect(get("/large", close=True), receive_buffer=4096))
        upload = held.enter_context(hasty.connect(HALF_BODY))
        for _ in range(60):
            held.enter_context(hasty.connect())
            assert hasty.seconds() < 2
        upload.sendall(CALL[-1:])
        assert upload.recv(1000).endswith(ANSWER)
        assert len(everything(reader)) > 8_000_000


def test_among_working_clients_those_of_the_address_with_most_connections_are_dropped_first(
    hasty: Service,
) -> None:
    with contextlib.ExitStack() as held:
        other = held.enter_context(contextlib.closing(connect_from("127.0.0.2", hasty)))
        other.sendall(HALF_BODY)
        for _ in range(40):
            held.enter_context(hasty.connect(HALF_HEAD))
        assert hasty.seconds() < 2
        other.sendall(CALL[-1:])
        assert other.recv(1000).endswith(ANSWER)


def connect_from(address: str, service: Service) -> socket.socket:
    return socket.create_connection(("127.0.0.1", service.port), timeout=10, source_address=(address, 0))


def test_an_address_may_have_so_many_connections() -> None:
    with serving("PerAddress") as service, contextlib.ExitStack() as held:
        time.sleep(0.3)  # until the worker knows that the client that found it ready has gone
        kept = [held.enter_context(service.connect(CALL)) for _ in range(5)]
        assert all(client.recv(1000).endswith(ANSWER) for client in kept)
        assert everything(held.enter_context(service.connect())) == b""
        with contextlib.closing(connect_from("127.0.0.2", service)) as other:
            other.sendall(CALL)
            assert other.recv(1000).endswith(ANSWER)


def test_what_is_held_for_slow_readers_is_bounded_over_all_connections() -> None:
    """Each wants 8 MB; 20 MB may be held."""
    with serving("Bounded") as service, contextlib.ExitStack() as held:
        readers = []
        for _ in range(8):
            readers.append(
                held.enter_context(service.connect(get("/large", close=True), receive_buffer=4096))
            )
            time.sleep(0.1)
        assert resident(service) < 100
        assert service.seconds() < 2
        whole = [len(everything(reader)) > 8_000_000 for reader in readers]
        assert 1 <= sum(whole) <= 3
        assert "too much is held" in service.log


def resident(service: Service) -> float:
    [worker] = service.workers
    line = next(line for line in Path(f"/proc/{worker}/status").read_text().splitlines() if "VmRSS" in line)
    return int(line.split()[1]) / 1024


def test_a_worker_out_of_file_descriptors_does_not_spin_and_recovers() -> None:
    with serving(files=26) as service:
        with contextlib.ExitStack() as held:
            # Busy connections, none of which may be dropped.
            for _ in range(24):
                held.enter_context(service.connect(get("/slow")))
            time.sleep(0.5)
            before = cpu_seconds(service)
            time.sleep(1)
            assert cpu_seconds(service) - before < 0.3
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError):
                if service.seconds() < 2:
                    break
            assert time.monotonic() < deadline


def cpu_seconds(service: Service) -> float:
    [worker] = service.workers
    fields = Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
