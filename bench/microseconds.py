"""Where a request's microseconds go: `python -m bench.microseconds [--requests N] [--profile WORK]`.

The WSGI application is called in this process, without a server. Each room's own time is counted, without
that of the rooms that it calls.
"""

import argparse
import cProfile
import functools
import importlib
import io
import os
import pstats
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.servers import OURS, Call, Scratch, Server, environment

ROWS = 100_000
WORKS = ("create", "update", "list", "page")
WARM_UP = 200
# What stands for a room: the functions through which one enters it.
ROOMS = {
    "Django's handler, signals, middleware": ["django.core.handlers.wsgi:WSGIHandler.__call__"],
    "the log line": ["common.http.request_log:RequestLogMiddleware.__call__", "logging:Logger.info"],
    "the way in: path, host, language or envelope": [
        "api.post.middleware:call",
        "api.rest.middleware:TokenCallMiddleware.__call__",
    ],
    "strict JSON": ["common.strict_json:loads"],
    "the token": ["users.tokens:user_of"],
    "the domain": ["incidents.services:create", "incidents.services:change"],
    "begin and commit": ["django.db.transaction:Atomic.__enter__", "django.db.transaction:Atomic.__exit__"],
    "prepared statements": ["common.db.compiled:Statement.rows"],
    "REST framework": ["rest_framework.views:APIView.dispatch"],
    "rows to items": [
        "incidents.api.post.listing:items",
        "incidents.api.rest.serializers:IncidentSerializer.to_representation",
    ],
    "the answer": [
        "incidents.api.post.views:answer",
        "api.rest.renderers:FastJSONRenderer.render",
        "django.http.response:HttpResponseBase.close",
    ],
}


class Stopwatch:
    """Counts the time of wrapped functions, each without that of the others called from it."""

    def __init__(self) -> None:
        self.own: Counter[str] = Counter()
        self.inner = [0]

    def wrap(self, room: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            self.inner.append(0)
            began = time.perf_counter_ns()
            try:
                return function(*args, **kwargs)
            finally:
                passed = time.perf_counter_ns() - began
                self.own[room] += passed - self.inner.pop()
                self.inner[-1] += passed

        return timed

    def watch(self, room: str, place: str) -> None:
        module, _, path = place.partition(":")
        *owners, name = path.split(".")
        owner = functools.reduce(getattr, owners, importlib.import_module(module))
        setattr(owner, name, self.wrap(room, getattr(owner, name)))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--profile", choices=WORKS, help="show cProfile's top rows of one work instead")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="incidents-bench-") as folder:
        server = Scratch(Path(folder)).server(OURS, ROWS)
        os.environ |= environment(server.folder, 8500)
        with (server.folder / "log").open("w") as sys.stderr:
            application = importlib.import_module("config.wsgi").application
            if options.profile:
                profile(application, server, options.profile, options.requests)
            else:
                print(table(application, server, options.requests))
        sys.stderr = sys.__stderr__


def table(application: Any, server: Server, requests: int) -> str:
    watch = Stopwatch()
    for room, places in ROOMS.items():
        for place in places:
            watch.watch(room, place)
    found: dict[str, Counter[str]] = {}
    for work in WORKS:
        run(application, environs(server, work, WARM_UP))
        watch.own.clear()
        run(application, environs(server, work, requests))
        found[work] = Counter({room: ns / 1000 / requests for room, ns in watch.own.items()})
    rows = [f"| {room} | {' | '.join(cell(found[work][room]) for work in WORKS)} |" for room in ROOMS]
    sums = " | ".join(f"**{found[work].total():.0f}**" for work in WORKS)
    head = f"| µs of a request | {' | '.join(WORKS)} |\n|---|{'---|' * len(WORKS)}"
    return "\n".join([head, *rows, f"| **all** | {sums} |"])


def cell(microseconds: float) -> str:
    return f"{microseconds:.0f}" if microseconds else ""


def profile(application: Any, server: Server, work: str, requests: int) -> None:
    run(application, environs(server, work, WARM_UP))
    calls = environs(server, work, requests)
    profiler = cProfile.Profile()
    profiler.runcall(run, application, calls)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(30)


def environs(server: Server, work: str, number: int) -> list[dict[str, Any]]:
    call = server.call(work)
    made = []
    for _ in range(number):
        server.updates += 1
        made.append(environ(call, str(server.updates % server.rows + 1), server.updates // server.rows))
    return made


def environ(call: Call, incident_id: str, turn: int) -> dict[str, Any]:
    word = call.words[turn % 2] if call.words else ""
    body = call.body.replace("{id}", incident_id).replace("{status}", word).encode()
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
        answer = application(call, started)
        list(answer)
        answer.close()


def started(status: str, _headers: Any, _error: Any = None) -> None:
    assert status.startswith("2"), status


if __name__ == "__main__":
    main()
