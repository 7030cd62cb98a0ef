"""The processor time of a request, and which packages use it.

python -m bench.microseconds
python -m bench.microseconds --profile page        cProfile's top rows of one workload

The WSGI application is called in one process without a server. "All" is measured without a profiler, the
shares of the packages with cProfile; what a package calls in C counts as its own, except SQLite.
"""

import argparse
import contextlib
import cProfile
import gc
import importlib
import io
import os
import pstats
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from bench.processes import PROJECT
from bench.report import table
from bench.servers import OURS, Scratch, Server, environment
from bench.workloads import Call

ROWS = 100_000
WORKLOADS = ("create", "update", "list", "page")
WARM_UP = 200
CHUNK = 50  # requests
MIN_SHARE = 0.01  # packages below are summed up
OTHERS = "others"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=5_000)
    parser.add_argument("--profile", choices=WORKLOADS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="incidents-bench-") as folder:
        server = Scratch(Path(folder)).server(OURS, ROWS)
        os.environ |= {**environment(server.folder), "SECRET_KEY": "of use to this process alone " * 2}
        with (server.folder / "log").open("w") as log, contextlib.redirect_stderr(log):
            application = importlib.import_module("config.wsgi").application
            if options.profile:
                profile(application, server, options.profile, options.requests).print_stats(30)
            else:
                print(measure(application, server, options.requests))


def measure(application: Any, server: Server, requests: int) -> str:
    totals, packages = {}, {}
    for workload in WORKLOADS:
        totals[workload] = microseconds(application, server, workload, requests)
        shares = by_package(profile(application, server, workload, requests // 5))
        packages[workload] = {name: share * totals[workload] for name, share in shares.items()}
    names = sorted(
        {name for found in packages.values() for name in found} - {OTHERS},
        key=lambda name: -sum(found.get(name, 0) for found in packages.values()),
    )
    rows = [
        (name, *(f"{packages[workload].get(name, 0):.0f}" for workload in WORKLOADS))
        for name in [*names, OTHERS]
    ]
    return table(
        ("µs of a request", *WORKLOADS),
        [*rows, ("**all**", *(f"**{totals[workload]:.0f}**" for workload in WORKLOADS))],
    )


def microseconds(application: Any, server: Server, workload: str, requests: int) -> float:
    """Return the processor time of one request: of chunks of requests the lower quartile."""
    run(application, environs(server, workload, WARM_UP))
    gc.collect()
    chunks = []
    for _ in range(max(4, requests // CHUNK)):
        calls = environs(server, workload, CHUNK)
        began = time.thread_time_ns()
        run(application, calls)
        chunks.append((time.thread_time_ns() - began) / CHUNK / 1000)
    return sorted(chunks)[len(chunks) // 4]


def profile(application: Any, server: Server, workload: str, requests: int) -> "pstats.Stats":
    run(application, environs(server, workload, WARM_UP))
    calls = environs(server, workload, requests)
    profiler = cProfile.Profile(time.thread_time)
    profiler.runcall(run, application, calls)
    return pstats.Stats(profiler).sort_stats("tottime")


def by_package(stats: "pstats.Stats") -> dict[str, float]:
    """Return each package's share of the time; what is below `MIN_SHARE` is summed up as `OTHERS`."""
    found: Counter[str] = Counter()
    for function, (_calls, _all_calls, own, _total, callers) in stats.stats.items():  # type: ignore[attr-defined]
        if "sqlite" in function[2] or function[0] != "~" or not callers:
            found[package(function)] += own
        else:
            for caller, (*_counts, own_for_caller, _total_for_caller) in callers.items():
                found[package(caller)] += own_for_caller
    whole = found.total()
    shares = {name: time / whole for name, time in found.items()}
    shown = {name: share for name, share in shares.items() if share >= MIN_SHARE and name != OTHERS}
    return {**shown, OTHERS: 1 - sum(shown.values())}


def package(function: tuple[str, int, str]) -> str:
    """Return the package of a profiled (file, line, name)."""
    file, _line, name = function
    if "sqlite" in name or "/sqlite" in file:
        return "SQLite and its driver"
    if "site-packages/" in file:
        return file.partition("site-packages/")[2].partition("/")[0]
    if file.startswith(f"{PROJECT}/"):
        first = Path(file).relative_to(PROJECT).parts[0]
        return OTHERS if first == "bench" else first
    return "Python's library"


def environs(server: Server, workload: str, number: int) -> list[dict[str, Any]]:
    call = server.call(workload)
    made = []
    for _ in range(number):
        server.updates += 1
        made.append(
            environ(call.filled_in(server.updates % server.rows + 1, server.updates // server.rows % 2))
        )
    return made


def environ(call: Call) -> dict[str, Any]:
    body = call.body.encode()
    return {
        "REQUEST_METHOD": call.method,
        "PATH_INFO": call.path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_AUTHORIZATION": call.authorization,
        "HTTP_HOST": "127.0.0.1:8500",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8500",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
    }


def run(application: Any, calls: list[dict[str, Any]]) -> None:
    for call in calls:
        response = application(call, start_response)
        list(response)
        response.close()


def start_response(status: str, _headers: Any, _error: Any = None) -> None:
    assert status.startswith("2"), status


if __name__ == "__main__":
    main()
