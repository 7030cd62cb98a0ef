"""An alert storm: one post of 10,000 alerts, and what other clients notice of it.

python -m bench.run --only storm
"""

import json
import threading
import time
from dataclasses import dataclass

from bench.http_client import Client, Request
from bench.servers import OURS, Scratch, Server, started
from bench.workloads import hook_call

ALERTS = 10_000
POSTS = 1  # at the same time
INTERVAL = 0.02  # seconds between the requests of the other client
CALM = 2  # seconds before the storm


@dataclass(frozen=True)
class Storm:
    """The seconds until posts of the same alerts are answered, first firing, then resolved.

    `p99_before` and `p99_meanwhile` are of another client's reports, in milliseconds. Memory in MB.
    """

    posts: int
    megabytes: float
    firing: float
    resolved: float
    p99_before: float
    p99_meanwhile: float
    memory: float
    memory_before: float


def measure(scratch: Scratch, rows: int, posts: int = POSTS) -> Storm:
    with started(scratch, [OURS], rows) as [server]:
        memory_before, stop = server.memory().private, threading.Event()
        times: list[float] = []
        other = threading.Thread(target=create_until, args=[server, stop, times])
        other.start()
        time.sleep(CALM)
        calm = len(times)
        firing, resolved = (post_together(server, status, posts) for status in ("firing", "resolved"))
        stop.set()
        other.join()
        return Storm(
            posts=posts,
            megabytes=len(storm(server, "firing", 0).content() or b"") / 1e6,
            firing=firing,
            resolved=resolved,
            p99_before=p99(times[:calm]),
            p99_meanwhile=p99(times[calm:]),
            memory=server.memory().private,
            memory_before=memory_before,
        )


def post_together(server: Server, status: str, posts: int) -> float:
    """Send the posts at the same time; return the seconds until the last one is answered."""
    seconds: list[float] = []
    requests = [storm(server, status, number) for number in range(posts)]
    threads = [threading.Thread(target=send, args=[server, one, seconds]) for one in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return max(seconds)


def p99(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.99)] * 1000


def storm(server: Server, status: str, number: int) -> Request:
    call = hook_call(server.hook_token)
    payload = json.loads(call.body)
    [alert] = payload["alerts"]
    del alert["generatorURL"]  # 10,000 of them would exceed the limit of 4 MiB.
    alert |= {"status": status, "endsAt": "2036-01-01T00:00:00Z"} if status == "resolved" else {}
    payload["alerts"] = [
        alert
        | {"fingerprint": f"{number:08x}{one:08x}", "labels": alert["labels"] | {"instance": f"host-{one}"}}
        for one in range(ALERTS)
    ]
    payload |= {"status": status, "groupKey": f"group {number}"}
    headers = {"Authorization": call.authorization}
    return Request(call.method, call.path, json.dumps(payload, ensure_ascii=False), headers)


def send(server: Server, request: Request, seconds: list[float]) -> None:
    with Client(server.port, timeout=60) as client:
        response = client.send(request)
    assert response.status == 202, response
    seconds.append(response.seconds)


def create_until(server: Server, stop: threading.Event, times: list[float]) -> None:
    call = server.call("create")
    with Client(server.port) as client:
        while not stop.wait(INTERVAL):
            response = client.send(call.request())
            assert response.status == call.status, response
            times.append(response.seconds)
