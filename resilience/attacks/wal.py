import contextlib
import sqlite3
import time
from functools import partial

from bench.http_client import Request
from resilience.attacks.accounts import create
from resilience.attacks.attackers import Attackers, repeated
from resilience.attacks.combining_marks import ORDINARY
from resilience.attacks.observed import megabytes
from resilience.attacks.target import Target
from resilience.figures import Figure
from resilience.service import Service

AFTERWARDS = 50
MAX_WAL = 8_000_000


def run(target: Target) -> list[Figure]:
    """The size of SQLite's WAL after a reader that was stuck."""
    if not target.uses_sqlite:
        return []
    with target.running() as service:
        token = service.login()
        with contextlib.closing(sqlite3.connect(service.database, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM incidents_incident").fetchone()
            write(service, token, target.seconds)
            stuck = size(service)
        for _ in range(AFTERWARDS):
            create(service, token, ORDINARY)
        later = size(service)
    return [
        Figure(
            "21",
            f"wal: its size after a stuck reader, and after {AFTERWARDS} more writes",
            f"later < {megabytes(MAX_WAL)}",
            f"{megabytes(stuck)}, later {megabytes(later)}",
            later < MAX_WAL,
        )
    ]


def write(service: Service, token: str, seconds: float) -> None:
    """Create incidents with long texts for so many seconds."""
    body = {"token": token, "incident": ORDINARY, "source": "operator"}
    request = Request("POST", "/incidents/create/", body)
    with Attackers(8, partial(repeated, service.port, [request])):
        time.sleep(seconds)


def size(service: Service) -> int:
    return service.database.with_name(service.database.name + "-wal").stat().st_size
