import json
import subprocess
from typing import Any

from bench.load import WrongAnswers, wrk
from comparison.peer import Peer
from resilience.service import PROJECT
from resilience.wire import HOST

CONNECTIONS = 32
TEXT = "Scooter offline, battery low, at the station"


def create(peer: Peer, seconds: int) -> str:
    """Every alert or check is a new one."""
    found = load(peer, seconds, "POST", peer.path, json.dumps(peer.body("{n}", TEXT)))
    made = len(peer.stored())
    if made < found["requests"]:
        raise WrongAnswers(f"{peer.kind.name}: {found['requests']} creates answered, {made} made")
    return told(found)


def read_list(peer: Peer, seconds: int) -> str:
    peer.fill()
    return told(load(peer, seconds, "GET", peer.listing, ""))


def load(peer: Peer, seconds: int, method: str, path: str, body: str) -> dict[str, Any]:
    """Load a peer with one kind of request. Raises `WrongAnswers`."""
    ((header, value),) = peer.headers.items()
    finished = subprocess.run(
        [
            wrk(),
            "--threads=1",
            f"--connections={CONNECTIONS}",
            f"--duration={seconds}s",
            "--timeout=30s",
            "--script=comparison/requests.lua",
            f"http://{HOST}:{peer.port}",
            "--",
            *(method, path, header, value, body),
        ],
        cwd=PROJECT,
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    if found["wrong_status"] or found["broken"]:
        raise WrongAnswers(f"{peer.kind.name}, {method} {path}: {found}")
    return found


def told(found: dict[str, Any]) -> str:
    rate = found["requests"] / found["seconds"]
    return f"{rate:.0f}/s, p50 {found['p50']:.0f} ms, p99 {found['p99']:.0f} ms"
