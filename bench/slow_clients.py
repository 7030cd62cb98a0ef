"""How the service answers while slow and idle clients hold on to it, and what a stop loses.

    python bench/slow_clients.py
    GUNICORN_CMD_ARGS="--worker-class gthread --threads 4" python bench/slow_clients.py

Each run starts `manage.py serve` with two workers and a throw-away database. The second command holds
another of gunicorn's workers against ours.
"""

import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parent.parent
PASSWORD = "only for this run"
HELD = 200
CALLS = 100
READERS = 40
GIVE_UP = 5.0


def main() -> None:
    with service() as (server, port):
        token = call(port, "/users/authorization/", username="admin", password=PASSWORD)["token"]
        create = {"token": token, "incident": "Самокат не в сети", "source": "monitoring"}
        for _ in range(3000):
            call(port, "/incidents/create/", **create | {"incident": "Самокат не в сети " * 50})
        report("no one else", server, port, create)
        with contextlib.ExitStack() as stack:
            for _ in range(HELD):
                hold(stack, port, b"")
                hold(stack, port, head("/incidents/create/", 100)[:-10])
                hold(stack, port, head("/incidents/create/", 100) + b'{"token": ')
            time.sleep(1)
            report(f"{3 * HELD} held", server, port, create)
        time.sleep(1)
        with contextlib.ExitStack() as stack:
            for _ in range(READERS):
                hold(stack, port, request("/incidents/get_all/", token=token), receive_buffer=4096)
            time.sleep(1)
            report(f"{READERS} readers of the whole list", server, port, create)
        time.sleep(1)
        print(f"{'stopped with 100 in flight':32} {lost_on_stop(server, port, create)} lost")


@contextlib.contextmanager
def service() -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        settings = {"DATA_DIR": folder, "PORT": str(port), "ADMIN_PASSWORD": PASSWORD, "WEB_CONCURRENCY": "2"}
        server = subprocess.Popen(
            [sys.executable, ROOT / "manage.py", "serve"],
            env=os.environ | settings,
            stderr=subprocess.DEVNULL,
        )
        try:
            while True:
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                time.sleep(0.1)
            yield server, port
        finally:
            server.terminate()
            server.wait()


def report(what: str, server: "subprocess.Popen[bytes]", port: int, create: dict[str, str]) -> None:
    listing = {"token": create["token"], "limit": 100}
    figures = [
        *timed("create", port, "/incidents/create/", **create),
        *timed("get_all", port, "/incidents/get_all/", **listing),
        f"{resident(server):.0f} MB",
    ]
    print(f"{what:32} {'   '.join(figures)}", flush=True)


def timed(name: str, port: int, path: str, **body: object) -> list[str]:
    times, unanswered = [], 0
    for _ in range(CALLS):
        started = time.perf_counter()
        try:
            call(port, path, **body)
        except OSError:
            unanswered += 1
            if unanswered == 3:
                return [f"{name}: no answer in {GIVE_UP:.0f} s"]
            continue
        times.append((time.perf_counter() - started) * 1000)
    return [f"{name} p50 {statistics.median(times):.1f} ms, worst {max(times):.1f} ms"]


def lost_on_stop(server: "subprocess.Popen[bytes]", port: int, create: dict[str, str]) -> int:
    def answered(client: socket.socket) -> bool:
        with client, contextlib.suppress(OSError):
            return answer(client).startswith(b"HTTP/1.0 201")
        return False

    with ThreadPoolExecutor(100) as pool:
        clients = [connect(port) for _ in range(100)]
        for client in clients:
            client.sendall(request("/incidents/create/", **create))
        server.send_signal(signal.SIGTERM)
        return 100 - sum(pool.map(answered, clients))


def call(port: int, path: str, **body: object) -> dict[str, str]:
    with connect(port) as client:
        client.sendall(request(path, **body))
        data: dict[str, str] = json.loads(answer(client).partition(b"\r\n\r\n")[2])["data"]
        return data


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=GIVE_UP)


def hold(stack: contextlib.ExitStack, port: int, sent: bytes, receive_buffer: int = 0) -> None:
    client = stack.enter_context(socket.socket())
    if receive_buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.connect(("127.0.0.1", port))
    client.sendall(sent)


def head(path: str, length: int) -> bytes:
    # In HTTP/1.0 the answer ends where the connection does, and is not chunked.
    return f"POST {path} HTTP/1.0\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n".encode()


def request(path: str, **body: object) -> bytes:
    content = json.dumps(body).encode()
    return head(path, len(content)) + content


def answer(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(65536), b""))


def resident(server: "subprocess.Popen[bytes]") -> float:
    """Megabytes of memory that the server and its workers hold, shared pages counted once."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    rollups = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in [server.pid, *children]]
    return sum(int(rollup.split("Pss:")[1].split()[0]) for rollup in rollups) / 1024


if __name__ == "__main__":
    main()
