import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg

from common.progress import Progress
from resilience.audit import execute, query
from resilience.delivery_audit import Audit, Expected, Receipt, audit
from resilience.figures import Figure
from resilience.kills import kill
from resilience.load import Load, dialects
from resilience.postgres import private_postgres
from resilience.service import MAX_START_SECONDS, Service, running
from testing.receiver import LOOPBACK, Answer, Received, listening

DEADLINE = 20  # seconds; a response that takes longer is none
BETWEEN_KILLS = 30  # requests at the receivers, at least
MAX_SECONDS = 600
PAUSE = 0.1  # seconds between the writes of one client
TARGETS = (
    "dispatcher",
    "worker",
    "dispatcher",
    "everything",
    "dispatcher",
    "master",
    "dispatcher",
    "workers",
)
# The receivers, with what they do instead of accepting, and how often.
ILLNESSES = {"/fails": 0.05, "/busy": 0.05, "/hangs": 0.005, "/drips": 0.005}
NOW = (
    "UPDATE outbound_delivery SET next_at = created_at"
    " WHERE state = 'pending' AND lease = '' AND next_at > created_at"
)
EXPECTED = (
    Expected("/good"),
    *map(Expected, ILLNESSES),
    Expected("/created", kind="created"),
    Expected("/resolved", status="resolved"),
)


@dataclass
class Receivers:
    """What all destinations received, each at its path; some misbehave until `are_well`."""

    receipts: list[Receipt] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    are_well: bool = False

    def answer(self, received: Received) -> Answer:
        is_ill = not self.are_well and random.random() < ILLNESSES.get(received.path, 0)
        with self.lock:
            self.receipts.append(Receipt.of(received, accepted=not is_ill))
        match received.path if is_ill else "":
            case "/fails":
                return Answer(500, {}, b"out of order")
            case "/busy":
                return Answer(429, {"Retry-After": "1"})
            case "/hangs":
                time.sleep(DEADLINE + 5)
            case "/drips":
                return Answer(200, {}, b"x" * (DEADLINE + 5), drip=1)
        return Answer()

    def wait_for_more(self, number: int) -> None:
        goal = len(self.receipts) + number
        wait_until(lambda: len(self.receipts) >= goal, "nothing is delivered", seconds=180)


def run(*, kills: int = 100, database: str = "sqlite", writers: int = 4) -> list[Figure]:
    """F19: kill -9 of the dispatcher, workers, the master and everything, under load, with bad receivers."""
    receivers = Receivers()
    with contextlib.ExitStack() as stack:
        settings = {"OUTBOUND_ALLOWED_NETWORKS": LOOPBACK}
        if database == "postgres":
            settings["DATABASE_URL"] = stack.enter_context(private_postgres()).url
        server = stack.enter_context(listening())
        server.answer = receivers.answer
        service = stack.enter_context(running(**settings))
        for one in EXPECTED:
            service.manage("destination", "add", "webhook", one.path, server.url + one.path, *one.options)
        progress = stack.enter_context(Progress("Kills", kills))
        with Load(service.port, dialects(service.login()), writers=writers, pause=PAUSE):
            for number in range(kills):
                receivers.wait_for_more(BETWEEN_KILLS)
                time.sleep(random.uniform(0, 0.1))
                kill_one(service, TARGETS[number % len(TARGETS)])
                server.received.clear()
                progress.add(1)
        receivers.are_well = True
        began = time.monotonic()
        drain(service)
        seconds = time.monotonic() - began
        found = audit(service, EXPECTED, receivers.receipts)
    return figures(found, f"{kills} kill -9, {database}", seconds)


def kill_one(service: Service, target: str) -> None:
    if target != "dispatcher":
        kill(service, target)
        return
    # After a second death in a row it is started anew after some seconds.
    wait_until(lambda: service.dispatcher() is not None, "there is no dispatcher", seconds=MAX_START_SECONDS)
    pid = service.dispatcher()
    if pid is not None:
        os.kill(pid, signal.SIGKILL)


def drain(service: Service) -> None:
    """Wait until nothing is pending; what waits for its next attempt need not wait for hours."""

    def is_done() -> bool:
        # PostgreSQL may end one of two that update the same rows.
        with contextlib.suppress(psycopg.errors.DeadlockDetected):
            execute(service, NOW)
            execute(service, "UPDATE outbound_destination SET held_until = NULL")
        # Deliveries are made for all events, and none is pending.
        [(through,)] = query(service, "SELECT max(through) FROM outbound_dispatcherstate")
        [(newest,)] = query(service, "SELECT max(id) FROM incidents_event")
        [(pending,)] = query(service, "SELECT count(*) FROM outbound_delivery WHERE state = 'pending'")
        time.sleep(1)
        return bool(through == newest and not pending)

    wait_until(is_done, "deliveries are left", seconds=MAX_SECONDS)


def wait_until(is_so: Callable[[], bool], problem: str, *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{problem} for {seconds} s")
        time.sleep(0.01)


def figures(found: Audit, where: str, seconds: float) -> list[Figure]:
    return [
        Figure(
            "F19",
            f"deliveries over {where}: lost / of what never happened / out of order",
            "0 / 0 / 0",
            f"{found}; the last one {seconds:.0f} s after the load",
            found.is_clean,
        )
    ]
