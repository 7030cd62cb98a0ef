"""Does it stay as fast when it has grown? The middle answer time at a million incidents against a thousand.

One client, one request at a time: what is measured is the work, not the queue for it.
"""

import http.client
import json
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from statistics import median
from typing import Any

from bench.rounds import Progress
from bench.servers import OURS, Call, Scratch, Server, started

REST = ("REST page of 20", "REST page of 20 by status", "REST page in the middle")
POST = (
    "list of 100 by status",
    "keyset page of 100, first",
    "keyset page of 100, middle",
    "keyset page of 100, last",
)
REQUESTS = 10


def measure(scratch: Scratch, few: int, many: int, *, rounds: int = 30) -> dict[str, tuple[float, float]]:
    """Return the median milliseconds at `few` and at `many` rows for each kind of page."""
    with (
        started(scratch, [OURS], few) as [small],
        started(scratch, [OURS], many) as [large],
    ):
        asked = {server: calls(server) for server in (small, large)}
        found: dict[tuple[str, Server], list[float]] = defaultdict(list)
        progress = Progress(rounds)
        for number in range(1, rounds + 1):
            progress.step(f"pages at {few:,} and {many:,} rows, round {number} of {rounds}")
            for name in (*POST, *REST):
                for server, its in asked.items():
                    found[name, server] += times(server, its[name])
        progress.end()
        return {name: (median(found[name, small]), median(found[name, large])) for name in (*POST, *REST)}


def calls(server: Server) -> dict[str, Call]:
    by_status, plain = server.call("list"), server.call("whole list")

    def keyset(cursor: str | None) -> Call:
        return replace(plain, body=json.dumps({**json.loads(plain.body), "limit": 100, "cursor": cursor}))

    page, of_status = server.call("page"), server.call("page by status")
    half = cursors(server)
    return {
        "list of 100 by status": by_status,
        "keyset page of 100, first": keyset(None),
        "keyset page of 100, middle": keyset(half(server.rows // 2)),
        "keyset page of 100, last": keyset(half(server.rows - 100)),
        "REST page of 20": page,
        "REST page of 20 by status": of_status,
        "REST page in the middle": replace(page, path=f"{page.path}?page={server.rows // 40}"),
    }


def cursors(server: Server) -> Callable[[int], str]:
    """Walk the whole list once; the result finds the cursor after the n-th incident, n a multiple of 100."""
    call = server.call("whole list")
    found: dict[int, str] = {}
    passed, cursor = 0, None
    while passed == 0 or cursor:
        size = 100 if server.rows - passed <= 1000 or passed < 1000 else 1000
        body = json.dumps({**json.loads(call.body), "limit": size, "cursor": cursor})
        data: Any = server.answer(replace(call, body=body))["data"]
        passed += len(data["incidents"])
        cursor = data["next"]
        if cursor:
            found[passed] = cursor
    return lambda number: found[number]


def times(server: Server, call: Call) -> list[float]:
    headers = {"Content-Type": "application/json"}
    if call.authorization:
        headers["Authorization"] = call.authorization
    taken = []
    with closing(http.client.HTTPConnection("127.0.0.1", server.port)) as connection:
        connection.connect()
        for _ in range(REQUESTS):
            began = time.perf_counter()
            connection.request(call.method, call.path, call.body.encode() or None, headers)
            answer = connection.getresponse()
            answer.read()
            taken.append((time.perf_counter() - began) * 1000)
            assert answer.status == call.status, answer.status
    return taken
