"""Load from wrk: so many connections, each sending its next request when the last is answered."""

import json
import shutil
import subprocess
import time
from dataclasses import dataclass
from typing import Any

from bench.processes import PROJECT
from bench.servers import Server
from bench.workloads import Call

SETTLE = 0.1  # seconds


class WrongResponses(Exception):
    """The server did not respond to the load as it should."""


@dataclass(frozen=True)
class Result:
    """The figures of one run; times in milliseconds."""

    requests: int
    rate: float
    p50: float
    p99: float
    max: float
    cpu: float  # of the server's workers for one request, also in milliseconds


def run(server: Server, workload: str, *, connections: int, seconds: int) -> Result:
    """Put `server` under one workload. Raises `WrongResponses`."""
    call = server.call(workload)
    before, cpu_before = settled(server), server.cpu_seconds()
    found = load(server, call, connections, seconds)
    cpu = server.cpu_seconds() - cpu_before
    if call.statuses:
        server.updates += found["requests"] + connections
    elif "{number}" in call.body:
        server.alerts += found["requests"] + connections
    refused = found["wrong_status"] + found["broken"]
    # wrk does not count the requests that were under way when the load ended.
    stored = settled(server) - before
    made = stored if workload in {"create", "hook"} else found["requests"]
    if refused or not found["requests"] <= made <= found["requests"] + connections:
        raise WrongResponses(
            f"{server.kind.name}, {workload}: {found}, {made} made, see {server.folder / 'log'}"
        )
    number = found["requests"]
    return Result(
        number, number / found["seconds"], found["p50"], found["p99"], found["max"], cpu / number * 1000
    )


def measured(server: Server, workload: str, *, connections: int, seconds: int) -> float:
    """Return the requests a second of a server that need not be idle. Raises `WrongResponses`."""
    found = load(server, server.call(workload), connections, seconds)
    if found["wrong_status"] + found["broken"]:
        raise WrongResponses(f"{server.kind.name}, {workload}: {found}, see {server.folder / 'log'}")
    return float(found["requests"] / found["seconds"])


def load(server: Server, call: Call, connections: int, seconds: int) -> dict[str, Any]:
    finished = subprocess.run(
        [
            wrk(),
            "--threads=1",
            f"--connections={connections}",
            f"--duration={seconds}s",
            "--timeout=30s",
            *script(server, call),
        ],
        cwd=PROJECT,
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return found


def settled(server: Server) -> int:
    """Wait until the server is idle; return the number of incidents."""
    count, used = -1, 0.0
    while True:
        count_before, used_before = count, used
        count, used = server.count(), server.cpu_seconds()
        if count == count_before and used - used_before < SETTLE / 10:
            return count
        time.sleep(SETTLE)


def script(server: Server, call: Call) -> list[str]:
    if "{number}" in call.body:
        given = [call.method, call.authorization, call.body, str(server.alerts)]
        return ["--script=bench/lua/numbered.lua", server.url + call.path, "--", *given]
    if call.statuses is None:
        given = [call.method, call.authorization, call.body]
        return ["--script=bench/lua/fixed.lua", server.url + call.path, "--", *given]
    given = [call.method, call.path, call.body, str(server.rows), str(server.updates), *call.statuses]
    return ["--script=bench/lua/update.lua", server.url, "--", *given]


def wrk() -> str:
    found = shutil.which("wrk")
    if not found:
        raise SystemExit("The load comes from wrk: apt-get install wrk")
    return found
