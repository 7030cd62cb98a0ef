"""How soon a server answers, and what its workers take of the memory."""

import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from statistics import median

from bench.servers import OURS, PORTS, PROJECT, REFERENCE, Call, Kind, Scratch, Server, environment

FEW = 1000
REQUESTS = 200


@dataclass(frozen=True)
class Beginning:
    kind: str
    first_start: float  # seconds from the command to the first answer, the database made on the way
    next_start: float
    share: float  # MB a worker, what it shares counted by its share
    own: float


def measure(scratch: Scratch, *, rounds: int = 3) -> list[Beginning]:
    return [of_kind(scratch, kind, rounds) for kind in (OURS, REFERENCE)]


def of_kind(scratch: Scratch, kind: Kind, rounds: int) -> Beginning:
    firsts = [first_start(scratch, kind) for _ in range(rounds)]
    server = scratch.server(kind, FEW)
    nexts = []
    for _ in range(rounds):
        nexts.append(server.start())
        for work in ("create", "list", "page") * (REQUESTS // 3):
            server.answer(server.call(work))
        memory = server.memory()
        server.stop()
    shutil.rmtree(server.folder)
    return Beginning(kind.name, median(firsts), median(nexts), memory.share, memory.own)


def first_start(scratch: Scratch, kind: Kind) -> float:
    folder = scratch.folder / "first"
    folder.mkdir()
    server = Server(kind, folder, 0, "")
    began = time.perf_counter()
    if kind.rest_only:
        # It does not migrate by itself.
        subprocess.run(
            [sys.executable, "-m", "bench.reference.fill", "0"],
            cwd=PROJECT,
            env=environment(folder, PORTS[0]),
            check=True,
        )
    server.start(Call("GET", "/api/incidents/" if kind.rest_only else "/healthz", 200))
    taken = time.perf_counter() - began
    server.stop()
    shutil.rmtree(folder)
    return taken
