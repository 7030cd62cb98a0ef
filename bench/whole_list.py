"""The whole list in one response: first byte, total, memory; beside a raw fetch of the same rows as JSON."""

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

import orjson

from bench.http_client import HOST
from bench.processes import Memory
from bench.servers import OURS, Scratch, Server, run_python, started

READ_BYTES = 1 << 20
# The least that such a list can cost: fetch the rows, make each a JSON object, write it.
RAW = """
import sys, time
import orjson
from bench.limit.wsgi import STORED_TO_POST, database
began = time.perf_counter()
rows = database().execute(
    "SELECT created_at, id, description, status, source FROM incidents_incident"
    " ORDER BY created_at DESC, id DESC"
)
with open("/dev/null", "wb") as out:
    while batch := rows.fetchmany(1000):
        out.write(orjson.dumps([
            {"id": pk, "incident": text, "status": STORED_TO_POST[status], "source": source,
             "created_at": f"{at[:10]}T{at[11:23]}Z"}
            for at, pk, text, status, source in batch
        ]))
print(time.perf_counter() - began)
"""


@dataclass(frozen=True)
class WholeList:
    rows: int
    megabytes: float
    first_byte: float  # milliseconds
    total: float  # seconds
    raw: float  # seconds
    memory: float  # MB over idle, of the worker that responded


def measure(scratch: Scratch, rows: int, *, rounds: int = 5) -> WholeList:
    with started(scratch, [OURS], rows) as [server]:
        check(server)
        found = [(*read(server), raw(server)) for _ in range(rounds)]
    firsts, totals, sizes, memories, raws = zip(*found, strict=True)
    return WholeList(rows, sizes[0] / 1e6, median(firsts) * 1000, median(totals), median(raws), max(memories))


def check(server: Server) -> None:
    """Check that the list is one valid envelope with every incident in it, once."""
    body = b"".join(pieces(server))
    response = orjson.loads(body.partition(b"\r\n\r\n")[2])
    ids = {item["id"] for item in response["data"]["incidents"]}
    assert response["success"], response
    assert len(ids) == len(response["data"]["incidents"]) == server.rows, len(ids)


def read(server: Server) -> tuple[float, float, int, float]:
    """Read the list as fast as it comes: seconds to the first byte and to the last, bytes, MB over idle."""
    idle = {pid: Memory.of(pid) for pid in server.workers()}
    for pid in idle:
        Memory.reset_peak(pid)
    began = time.perf_counter()
    first = size = 0.0
    for piece in pieces(server):
        first = first or time.perf_counter() - began
        size += len(piece)
    total = time.perf_counter() - began
    return first, total, int(size), max(Memory.peak(pid) - idle[pid].resident for pid in idle)


def pieces(server: Server) -> Iterator[bytes]:
    body = server.call("whole list").body.encode()
    # In HTTP/1.0 the response ends with the connection, without chunks.
    head = f"POST /incidents/get_all/ HTTP/1.0\r\nHost: {HOST}\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((HOST, server.port)) as connection:
        connection.sendall(head.encode() + body)
        while piece := connection.recv(READ_BYTES):
            yield piece


def raw(server: Server) -> float:
    return float(run_python(server.folder, "-c", RAW))
