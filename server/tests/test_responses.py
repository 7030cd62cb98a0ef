"""Responses: streamed ones, those whose client goes, those that fail and those that wait for a sync."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.tests.application import BUSY_SECONDS, LARGE, PIECE, PIECES, SLOW_SECONDS, SYNC_SECONDS
from server.tests.serving import Service, everything, get, serving


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with serving() as running:
        yield running


def streamed(service: Service) -> tuple[int, int]:
    """Return how many pieces of streams were made, and how many streams were closed."""
    made, closed = service.exchange(get("/streamed", close=True)).rpartition(b"\r\n")[2].split()
    return int(made), int(closed)


def test_head_has_no_body_and_makes_none(service: Service) -> None:
    before = streamed(service)
    for path in ("/", "/large", "/stream"):
        response = service.exchange(get(path, method="HEAD", close=True))
        assert response.startswith(b"HTTP/1.1 200")
        assert response.endswith(b"\r\n\r\n")
    assert streamed(service) == (before[0], before[1] + 1)


def test_a_fast_reader_of_a_stream_keeps_no_other_client_waiting(service: Service) -> None:
    """Four of them: as many as there are threads. Each stream takes 1.2 s of CPU time."""
    with contextlib.ExitStack() as held:
        readers = [held.enter_context(service.connect(get("/stream", close=True))) for _ in range(4)]
        seconds = []
        received = [0] * 4
        started = time.monotonic()
        for _ in range(10):
            for index, reader in enumerate(readers):
                received[index] += len(reader.recv(1_000_000))
            seconds.append(service.seconds())
        for index, reader in enumerate(readers):
            assert received[index] + len(everything(reader)) > PIECES * len(PIECE)
        # A part of what the streams take: both grow alike where other programs use the machine.
        assert max(seconds) < (time.monotonic() - started) / 3


def test_a_stream_ends_when_its_client_has_gone(service: Service) -> None:
    made, closed = streamed(service)
    with service.connect(get("/stream")) as client:
        client.recv(1000)
    deadline = time.monotonic() + 5
    while streamed(service)[1] == closed:
        assert time.monotonic() < deadline
    assert streamed(service)[0] - made < PIECES


def test_a_slow_reader_gets_all_of_a_large_response(service: Service) -> None:
    with service.connect(get("/large", close=True), receive_buffer=4096) as reader:
        time.sleep(0.3)
        assert service.seconds() < 2
        assert everything(reader).endswith(LARGE[-1000:])


def test_a_long_request_keeps_no_other_client_waiting(service: Service) -> None:
    with service.connect(get("/slow", close=True)) as slow:
        time.sleep(0.05)
        assert service.seconds() < SLOW_SECONDS / 2
        assert everything(slow).endswith(b"slow")


def test_a_short_request_comes_before_long_ones(service: Service) -> None:
    assert service.exchange(get("/busy", close=True)).endswith(b"busy")
    with contextlib.ExitStack() as held:
        # A second of work for them all.
        clients = [held.enter_context(service.connect(get("/busy", close=True))) for _ in range(20)]
        time.sleep(0.05)
        seconds = [service.seconds() for _ in range(5)]
        assert all(everything(client).endswith(b"busy") for client in clients)
    assert sorted(seconds)[2] < 5 * BUSY_SECONDS


def test_requests_that_wait_as_they_write_leave_a_thread_to_those_that_read(service: Service) -> None:
    with contextlib.ExitStack() as held:
        request = get("/slow", method="POST", close=True)
        clients = [held.enter_context(service.connect(request)) for _ in range(5)]
        time.sleep(0.2)
        assert service.seconds() < SLOW_SECONDS / 2
        assert all(everything(client).endswith(b"slow") for client in clients)


def test_memory_is_given_back_when_slow_readers_have_gone(service: Service) -> None:
    def memory() -> int:
        [worker] = service.workers
        return int(Path(f"/proc/{worker}/statm").read_text().split()[1]) * 4096

    service.exchange(get("/large", close=True))
    before = memory()
    with contextlib.ExitStack() as held:
        for _ in range(7):
            reader = service.connect(get("/large", close=True), receive_buffer=4096)
            held.enter_context(reader).recv(1000)
        during = memory()
    deadline = time.monotonic() + 10
    while memory() > before + len(LARGE):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert during > before + 4 * len(LARGE)


def test_an_error_is_a_500_and_its_text_is_not_logged(service: Service) -> None:
    assert service.exchange(get("/fail")).startswith(b"HTTP/1.1 500")
    assert b"0\r\n\r\n" not in service.exchange(get("/broken-stream"))[-5:]
    assert "RuntimeError" in service.log
    assert "in broken_stream" in service.log
    assert "secret" not in service.log


# Group commit


@pytest.fixture
def synced() -> Iterator[Service]:
    with serving("Synced") as running:
        yield running


def test_a_response_leaves_after_the_sync_that_it_needs(synced: Service) -> None:
    assert synced.seconds() < SYNC_SECONDS
    assert synced.seconds("/write") >= SYNC_SECONDS
    started = time.monotonic()
    with synced.connect(get("/write-and-stream")) as client:
        assert client.recv(1)
        assert time.monotonic() - started >= SYNC_SECONDS


def test_other_clients_do_not_wait_for_a_sync(synced: Service) -> None:
    with synced.connect(get("/write", close=True)) as writer:
        time.sleep(0.05)
        assert synced.seconds() < SYNC_SECONDS / 2
        assert everything(writer).endswith(b"written")


def test_one_sync_serves_many_responses(synced: Service) -> None:
    started = time.monotonic()
    with contextlib.ExitStack() as held:
        writers = [held.enter_context(synced.connect(get("/write", close=True))) for _ in range(20)]
        assert all(everything(writer).endswith(b"written") for writer in writers)
    assert time.monotonic() - started < 20 * SYNC_SECONDS / 2


@pytest.mark.parametrize("path", ["/write", "/write-and-stream"])
def test_after_a_failed_sync_no_response_leaves_and_the_process_ends_at_once(
    synced: Service, path: str
) -> None:
    before = synced.workers
    (synced.folder / "failing").touch()
    with contextlib.ExitStack() as held:
        writers = [held.enter_context(synced.connect(get(path))) for _ in range(8)]
        assert [everything(writer) for writer in writers] == [b""] * 8
    (synced.folder / "failing").unlink()
    assert synced.seconds("/write") < 5
    assert not before & synced.workers
