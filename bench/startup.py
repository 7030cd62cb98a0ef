"""How soon a server responds after its start, and how much memory its workers take."""

import shutil
import time
from dataclasses import dataclass
from statistics import median

from bench.servers import OURS, REFERENCE, Kind, Scratch, Server, run_python
from bench.workloads import Call

FEW = 1000
REQUESTS = 200


@dataclass(frozen=True)
class Startup:
    kind: str
    first_start: float  # seconds from the command to the first response, the database made on the way
    next_start: float
    proportional: float  # MB of the largest worker, see bench.processes.Memory
    private: float


def measure(scratch: Scratch, *, rounds: int = 3) -> list[Startup]:
    return [of_kind(scratch, kind, rounds) for kind in (OURS, REFERENCE)]


def of_kind(scratch: Scratch, kind: Kind, rounds: int) -> Startup:
    firsts = [first_start(scratch, kind) for _ in range(rounds)]
    server = scratch.server(kind, FEW)
    nexts = []
    for _ in range(rounds):
        nexts.append(server.start())
        for workload in ("create", "list", "page") * (REQUESTS // 3):
            server.send(server.call(workload))
        memory = server.memory()
        server.stop()
    shutil.rmtree(server.folder)
    return Startup(kind.name, median(firsts), median(nexts), memory.proportional, memory.private)


def first_start(scratch: Scratch, kind: Kind) -> float:
    folder = scratch.folder / "first"
    folder.mkdir()
    server = Server(kind, folder, 0, "")
    began = time.perf_counter()
    if kind.rest_only:
        # It does not migrate by itself.
        run_python(folder, "-m", "bench.reference.fill", "0")
    server.start(Call("GET", "/api/incidents/" if kind.rest_only else "/healthz", 200))
    seconds = time.perf_counter() - began
    server.stop()
    shutil.rmtree(folder)
    return seconds
