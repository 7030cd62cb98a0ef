"""The whole list at once: first byte, total, memory; beside a raw fetch of the same rows written as JSON."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

import orjson

from bench.servers import OURS, PROJECT, Memory, Scratch, Server, environment, started

READ = 1 << 20
# What nobody can do with less: fetch the rows, make each a JSON object, write it away.
RAW = """
import sys, time
import orjson
from bench.limit.wsgi import STATUS_READ, database
began = time.perf_counter()
rows = database().execute(
    "SELECT created_at, id, description, status, source FROM incidents_incident"
    " ORDER BY created_at DESC, id DESC"
)
with open("/dev/null", "wb") as out:
    while batch := rows.fetchmany(1000):
        out.write(orjson.dumps([
            {"id": pk, "incident": text, "status": STATUS_READ[status], "source": source,
             "created_at": f"{moment[:10]}T{moment[11:23]}Z"}
            for moment, pk, text, status, source in batch
        ]))
print(time.perf_counter() - began)
"""


@dataclass(frozen=True)
class Whole:
    rows: int
    megabytes: float
    first_byte: float  # milliseconds
    total: float  # seconds
    raw: float  # seconds
    memory: float  # MB over idle, of the worker that answered


def measure(scratch: Scratch, rows: int, *, rounds: int = 5) -> Whole:
    with started(scratch, [OURS], rows) as [server]:
        check(server)
        found = [(*read(server), raw(server)) for _ in range(rounds)]
    firsts, totals, sizes, memories, raws = zip(*found, strict=True)
    return Whole(rows, sizes[0] / 1e6, median(firsts) * 1000, median(totals), median(raws), max(memories))


def check(server: Server) -> None:
    """See that the list is one valid envelope with every incident in it, once."""
    body = b"".join(pieces(server, "HTTP/1.0"))
    answer = orjson.loads(body.partition(b"\r\n\r\n")[2])
    ids = {item["id"] for item in answer["data"]["incidents"]}
    assert answer["success"], answer
    assert len(ids) == len(answer["data"]["incidents"]) == server.rows, len(ids)


def read(server: Server) -> tuple[float, float, int, float]:
    """Read the list as fast as it comes: seconds to the first byte and to the last, bytes, MB over idle."""
    idle = {pid: Memory.of(pid) for pid in server.workers()}
    for pid in idle:
        Memory.forget_peak(pid)
    began = time.perf_counter()
    first = size = 0.0
    for piece in pieces(server, "HTTP/1.0"):
        first = first or time.perf_counter() - began
        size += len(piece)
    total = time.perf_counter() - began
    return first, total, int(size), max(Memory.peak(pid) - idle[pid].resident for pid in idle)


def pieces(server: Server, version: str) -> Iterator[bytes]:
    body = server.call("whole list").body.encode()
    head = f"POST /incidents/get_all/ {version}\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head.encode() + body)
        while piece := connection.recv(READ):
            yield piece


def raw(server: Server) -> float:
    finished = subprocess.run(
        [sys.executable, "-c", RAW],
        cwd=PROJECT,
        env=environment(server.folder, server.port),
        check=True,
        capture_output=True,
        text=True,
    )
    return float(finished.stdout)
