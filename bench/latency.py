"""The latency of each kind of page at a thousand and at a million incidents.

One client, one request at a time: what is measured is the request's own work, no queue.
"""

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any

from bench.http_client import Client
from bench.servers import OURS, Scratch, Server, started
from bench.workloads import Call
from common.progress import Progress

REQUESTS = 10


def measure(scratch: Scratch, few: int, many: int, *, rounds: int = 30) -> dict[str, tuple[float, float]]:
    """Return the median milliseconds at `few` and at `many` rows for each kind of page."""
    with (
        started(scratch, [OURS], few) as [small],
        started(scratch, [OURS], many) as [large],
        Progress("Rounds of pages", rounds) as progress,
    ):
        calls = {server: page_calls(server) for server in (small, large)}
        times: dict[tuple[str, Server], list[float]] = defaultdict(list)
        for _ in range(rounds):
            for name in calls[small]:
                for server in (small, large):
                    times[name, server] += milliseconds(server, calls[server][name])
            progress.add(1)
        return {name: (median(times[name, small]), median(times[name, large])) for name in calls[small]}


def page_calls(server: Server) -> dict[str, Call]:
    plain, page = server.call("whole list"), server.call("page")

    def keyset(cursor: str | None) -> Call:
        return replace(plain, body=json.dumps({**json.loads(plain.body), "limit": 100, "cursor": cursor}))

    cursor_after = cursors(server)
    return {
        "list of 100 by status": server.call("list"),
        "keyset page of 100, first": keyset(None),
        "keyset page of 100, middle": keyset(cursor_after(server.rows // 2)),
        "keyset page of 100, last": keyset(cursor_after(server.rows - 100)),
        "REST page of 20": page,
        "REST page of 20 by status": server.call("page by status"),
        "REST page in the middle": replace(page, path=f"{page.path}?page={server.rows // 40}"),
    }


def cursors(server: Server) -> Callable[[int], str]:
    """Read the whole list by pages; return a function from n, a multiple of 100, to the cursor behind n."""
    call = server.call("whole list")
    found: dict[int, str] = {}
    passed, cursor = 0, None
    while passed == 0 or cursor:
        size = 100 if server.rows - passed <= 1000 or passed < 1000 else 1000
        body = json.dumps({**json.loads(call.body), "limit": size, "cursor": cursor})
        data: Any = server.send(replace(call, body=body))["data"]
        passed += len(data["incidents"])
        cursor = data["next"]
        if cursor:
            found[passed] = cursor
    return lambda number: found[number]


def milliseconds(server: Server, call: Call) -> list[float]:
    with Client(server.port) as client:
        client.connection.connect()
        responses = [client.send(call.request()) for _ in range(REQUESTS)]
    assert all(response.status == call.status for response in responses), responses[0]
    return [response.seconds * 1000 for response in responses]
