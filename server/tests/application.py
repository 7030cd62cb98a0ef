"""A WSGI application that does what the tests ask for by its path, and workers for it."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from server.request import BodyTooLarge
from server.worker import Worker

MAX_BODY = 4096
LARGE = b"x" * 8_000_000
PIECE = b"x" * 1000
PIECES = 12_000
SYNC_SECONDS = 1
SLOW_SECONDS = 2
BUSY_SECONDS = 0.05

Environ = dict[str, Any]


def application(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
    try:
        pieces: Iterable[bytes] = PATHS[environ["PATH_INFO"]](environ)
    except BodyTooLarge:
        start_response("413 Content Too Large", [])
        return [b"too large"]
    headers = [("Content-Type", "text/plain")]
    if isinstance(pieces, list):
        headers.append(("Content-Length", str(sum(map(len, pieces)))))
    start_response("200 OK", headers)
    return pieces


def echo(environ: Environ) -> list[bytes]:
    body = environ["wsgi.input"].read()
    return [f"[{environ['REQUEST_METHOD']} {environ.get('CONTENT_LENGTH')} ".encode() + body + b"]"]


def slow(_environ: Environ) -> list[bytes]:
    time.sleep(SLOW_SECONDS)
    return [b"slow"]


def busy(_environ: Environ) -> list[bytes]:
    until = time.thread_time() + BUSY_SECONDS
    while time.thread_time() < until:
        pass
    return [b"busy"]


class Stream:
    """A response of `PIECES`, each of which takes a tenth of a millisecond."""

    made = closed = 0  # pieces, and responses

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(PIECES):
            until = time.perf_counter() + 0.0001
            while time.perf_counter() < until:
                pass
            Stream.made += 1
            yield PIECE

    def close(self) -> None:
        Stream.closed += 1


def broken_stream(_environ: Environ) -> Iterator[bytes]:
    yield PIECE
    raise RuntimeError("sec" + "ret")  # The line itself is logged.


def fail(_environ: Environ) -> list[bytes]:
    raise RuntimeError("sec" + "ret")  # The line itself is logged.


def end_thread(_environ: Environ) -> list[bytes]:
    raise KeyboardInterrupt


def write(_environ: Environ) -> list[bytes]:
    Disk.written = True
    return [b"written"]


def write_and_stream(_environ: Environ) -> Iterator[bytes]:
    Disk.written = True
    yield b"first"
    yield b"second"


PATHS: dict[str, Callable[[Environ], Any]] = {
    "/": echo,
    "/slow": slow,
    "/busy": busy,
    "/large": lambda _environ: [LARGE],
    "/stream": lambda _environ: Stream(),
    "/streamed": lambda _environ: [f"{Stream.made} {Stream.closed}".encode()],
    "/broken-stream": broken_stream,
    "/fail": fail,
    "/end": end_thread,
    "/write": write,
    "/write-and-stream": write_and_stream,
    "/script": lambda environ: [repr([environ["SCRIPT_NAME"], environ["wsgi.url_scheme"]]).encode()],
}


class Small(Worker):
    max_body_bytes = MAX_BODY


class Large(Worker):
    max_body_bytes = 262_144


class Bounded(Worker):
    max_buffered_bytes = 20_000_000


class PerAddress(Worker):
    max_connections_per_address = 5


class Disk:
    """Group commit on a slow disk, which fails when there is a file FAILING."""

    written = False

    def needs_sync(self) -> bool:
        before, Disk.written = Disk.written, False
        return before

    def sync(self) -> None:
        time.sleep(SYNC_SECONDS)
        if Path(os.environ["FAILING"]).exists():
            raise OSError("the disk failed")


class Synced(Worker):
    group_commit = Disk()
