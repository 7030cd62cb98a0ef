"""Processes that send each write until it is acknowledged, and the ledger of the acknowledged ones.

with Load(service.port, dialects(token), writers=6) as load:
    load.wait_for_more(20)
    service.kill(service.workers())
load.ledger
"""

import contextlib
import itertools
import multiprocessing
import signal
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, Protocol, Self

from bench.http_client import Client, NoResponse, Request, Response

fork = multiprocessing.get_context("fork")

RETRIED = {429, 502, 503, 507}
RETRY_SECONDS = 0.03
MAX_SECONDS = 60  # for one write, and for the last ones after the load has been stopped
STEPS = ("in_progress", "resolved")  # the statuses of each incident after its creation


class Dialect(Protocol):
    """The requests of one protocol."""

    def create(self, key: str, text: str) -> Request: ...
    def update(self, pk: int, status: str) -> Request: ...
    def created_id(self, response: Response) -> int: ...


@dataclass(frozen=True)
class Post:
    token: str

    def create(self, key: str, text: str) -> Request:
        body = {"token": self.token, "incident": text, "source": "monitoring", "idempotency_key": key}
        return Request("POST", "/incidents/create/", body)

    def update(self, pk: int, status: str) -> Request:
        value = {"in_progress": "processing", "resolved": "completed"}[status]
        return Request("POST", "/incidents/update/", {"token": self.token, "id": pk, "status": value})

    def created_id(self, response: Response) -> int:
        return int(response.data["data"]["id"])


@dataclass(frozen=True)
class Rest:
    """REST, ours or, without a token, the reference's."""

    token: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def create(self, key: str, text: str) -> Request:
        body = {"description": text, "source": "monitoring"} | (
            {"idempotency_key": key} if self.token else {}
        )
        return Request("POST", "/api/incidents/", body, self.headers)

    def update(self, pk: int, status: str) -> Request:
        return Request("PATCH", f"/api/incidents/{pk}/", {"status": status}, self.headers)

    def created_id(self, response: Response) -> int:
        return int(response.data["id"])


def dialects(token: str) -> Sequence[Dialect]:
    """Return the dialects for the writers to alternate between; without a token, the reference's."""
    return [Post(token), Rest(token)] if token else [Rest()]


@dataclass
class Entry:
    """One incident as its client knows it: each of its steps was acknowledged."""

    key: str
    text: str
    pk: int
    steps: list[str] = field(default_factory=list)


@dataclass
class Ledger:
    entries: list[Entry] = field(default_factory=list)
    unacknowledged: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    refused: Counter[int] = field(default_factory=Counter)
    no_response: int = 0
    unexpected: list[str] = field(default_factory=list)

    def add(self, other: "Ledger") -> None:
        self.entries += other.entries
        self.unacknowledged += other.unacknowledged
        self.seconds += other.seconds
        self.refused += other.refused
        self.no_response += other.no_response
        self.unexpected += other.unexpected

    @property
    def writes(self) -> int:
        return sum(1 + len(entry.steps) for entry in self.entries)

    def __str__(self) -> str:
        others = f", {len(self.unexpected)} others, such as {self.unexpected[0]}" if self.unexpected else ""
        return (
            f"{self.writes:,} writes acknowledged, {self.no_response:,} responses lost and "
            f"{sum(self.refused.values()):,} refused on the way{others}"
        )


class Load:
    def __init__(
        self, port: int, dialects: Sequence[Dialect], *, writers: int, updates: bool = True, pause: float = 0
    ) -> None:
        self.ledger = Ledger()
        self.acknowledged = fork.Value("q", 0)
        self.stopping = fork.Event()
        self.writers: list[tuple[Any, Connection]] = []
        for number in range(writers):
            ours, theirs = fork.Pipe(duplex=False)
            writer = Writer(
                port, dialects[number % len(dialects)], self.acknowledged, self.stopping, updates, pause
            )
            process = fork.Process(target=writer.run, args=[theirs], daemon=True)
            self.writers.append((process, ours))

    def __enter__(self) -> Self:
        for process, _pipe in self.writers:
            process.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        """Wait for the writes under way, and gather the ledgers."""
        self.stopping.set()
        try:
            for _process, pipe in self.writers:
                if kind is None:
                    self.ledger.add(pipe.recv() if pipe.poll(MAX_SECONDS + 30) else missing_ledger())
        finally:
            for process, _pipe in self.writers:
                process.kill()
                process.join()

    def wait_for_more(self, writes: int, seconds: float = 30) -> None:
        """Wait until so many more writes are acknowledged."""
        goal = self.acknowledged.value + writes
        deadline = time.monotonic() + seconds
        while self.acknowledged.value < goal:
            if time.monotonic() > deadline:
                raise RuntimeError(f"no {writes} writes were acknowledged in {seconds} s")
            time.sleep(0.005)


class Writer:
    def __init__(
        self, port: int, dialect: Dialect, acknowledged: Any, stopping: Any, updates: bool, pause: float
    ) -> None:
        self.port = port
        self.dialect = dialect
        self.acknowledged = acknowledged
        self.stopping = stopping
        self.updates = updates
        self.pause = pause
        self.ledger = Ledger()

    def run(self, pipe: Connection) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # The parent process ends it.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self.client = Client(self.port)
        name = uuid.uuid4().hex[:12]
        for number in itertools.count():
            if self.stopping.is_set():
                break
            self.write(f"{name}-{number}")
        pipe.send(self.ledger)

    def write(self, key: str) -> None:
        text = f"Самокат {key} не в сети"
        response = self.until_acknowledged(self.dialect.create(key, text), key)
        if response is None:
            return
        entry = Entry(key, text, self.dialect.created_id(response))
        self.ledger.entries.append(entry)
        for step in STEPS if self.updates else ():
            if self.until_acknowledged(self.dialect.update(entry.pk, step), f"{key} {step}") is None:
                return
            entry.steps.append(step)

    def until_acknowledged(self, request: Request, name: str) -> Response | None:
        deadline = time.monotonic() + MAX_SECONDS
        while time.monotonic() < deadline:
            time.sleep(self.pause)
            try:
                response = self.client.send(request)
            except NoResponse:
                self.ledger.no_response += 1
            else:
                if response.status in {200, 201} and response.data is not None:
                    self.ledger.seconds.append(response.seconds)
                    with self.acknowledged.get_lock():
                        self.acknowledged.value += 1
                    return response
                if response.status in RETRIED:
                    self.ledger.refused[response.status] += 1
                else:
                    self.ledger.unexpected.append(str(response))
            time.sleep(RETRY_SECONDS)
        self.ledger.unacknowledged.append(name)
        return None


def missing_ledger() -> Ledger:
    return Ledger(unexpected=["a writer did not return its ledger"])


def write_for(seconds: float, load: Load) -> Ledger:
    with load, contextlib.suppress(KeyboardInterrupt):
        time.sleep(seconds)
    return load.ledger
