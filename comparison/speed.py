import json
import subprocess
from typing import Any

from bench.http_client import HOST
from bench.load import WrongResponses, wrk
from bench.processes import PROJECT
from comparison.product import Product

CONNECTIONS = 32
TEXT = "Scooter offline, battery low, at the station"


def create(product: Product, seconds: int) -> str:
    """Every alert or check is a new one."""
    found = load(product, seconds, "POST", product.path, json.dumps(product.body("{n}", TEXT)))
    made = len(product.stored())
    if made < found["requests"]:
        raise WrongResponses(f"{product.kind.name}: {found['requests']} creates acknowledged, {made} made")
    return summary(found)


def read_list(product: Product, seconds: int) -> str:
    product.fill()
    return summary(load(product, seconds, "GET", product.listing, ""))


def load(product: Product, seconds: int, method: str, path: str, body: str) -> dict[str, Any]:
    """Load a product with one kind of request. Raises `WrongResponses`."""
    ((header, value),) = product.headers.items()
    finished = subprocess.run(
        [
            wrk(),
            "--threads=1",
            f"--connections={CONNECTIONS}",
            f"--duration={seconds}s",
            "--timeout=30s",
            "--script=comparison/requests.lua",
            f"http://{HOST}:{product.port}",
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
        raise WrongResponses(f"{product.kind.name}, {method} {path}: {found}")
    return found


def summary(found: dict[str, Any]) -> str:
    rate = found["requests"] / found["seconds"]
    return f"{rate:.0f}/s, p50 {found['p50']:.0f} ms, p99 {found['p99']:.0f} ms"
