"""An alert storm: one post of 10,000 alerts, and what other clients notice of it.

python -m bench.storm                  also: --posts 8 at the same time
"""

import argparse
import json
import tempfile
import threading
import time
from pathlib import Path

from bench.http_client import Client, Request
from bench.report import table
from bench.servers import OURS, Scratch, Server, started
from bench.workloads import hook_call

ROWS = 100_000
ALERTS = 10_000
INTERVAL = 0.02  # seconds between the requests of the other client
WARM_UP = 2  # seconds


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--posts", type=int, default=1, help="at the same time")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="incidents-bench-") as folder,
        started(Scratch(Path(folder)), [OURS], ROWS) as [server],
    ):
        print(measure(server, options.posts))


def measure(server: Server, posts: int) -> str:
    before, stop = server.memory(), threading.Event()
    times: list[float] = []
    other = threading.Thread(target=create_until, args=[server, stop, times])
    other.start()
    time.sleep(WARM_UP)
    calm = len(times)
    seconds: list[float] = []
    for status in ("firing", "resolved"):
        requests = [storm(server, status, number) for number in range(posts)]
        threads = [threading.Thread(target=send, args=[server, one, seconds]) for one in requests]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    stop.set()
    other.join()
    columns = (
        "posts",
        "MB each",
        "firing, s",
        "resolved, s",
        "create p99 before, ms",
        "create p99 meanwhile, ms",
        "memory of a worker, MB",
        "before, MB",
    )
    figures = (
        str(posts),
        f"{len(storm(server, 'firing', 0).content() or b'') / 1e6:.1f}",
        f"{max(seconds[:posts]):.2f}",
        f"{max(seconds[posts:]):.2f}",
        f"{p99(times[:calm]):.0f}",
        f"{p99(times[calm:]):.0f}",
        f"{server.memory().private:.0f}",
        f"{before.private:.0f}",
    )
    return table(columns, [figures])


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


if __name__ == "__main__":
    main()
