"""Processes that write, each request until it is acknowledged, and the ledger of what was.

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

from resilience.wire import Answer, Line, Lost, Request

fork = multiprocessing.get_context("fork")

TRY_AGAIN = {429, 502, 503, 507}
PAUSE = 0.03
PATIENCE = 60  # for one write, and for the last ones after the load was told to stop
STEPS = ("in_progress", "resolved")  # what becomes of each incident, in the stored words


class Dialect(Protocol):
    """How a client says what it wants."""

    def create(self, key: str, text: str) -> Request: ...
    def update(self, pk: int, status: str) -> Request: ...
    def made(self, answer: Answer) -> int: ...


@dataclass(frozen=True)
class Post:
    token: str

    def create(self, key: str, text: str) -> Request:
        body = {"token": self.token, "incident": text, "source": "monitoring", "idempotency_key": key}
        return Request("POST", "/incidents/create/", body)

    def update(self, pk: int, status: str) -> Request:
        word = {"in_progress": "processing", "resolved": "completed"}[status]
        return Request("POST", "/incidents/update/", {"token": self.token, "id": pk, "status": word})

    def made(self, answer: Answer) -> int:
        return int(answer.data["data"]["id"])


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

    def made(self, answer: Answer) -> int:
        return int(answer.data["id"])


def dialects(token: str) -> Sequence[Dialect]:
    """Return the dialects that writers take in turns; without a token, the reference's."""
    return [Post(token), Rest(token)] if token else [Rest()]


@dataclass
class Entry:
    """One incident as its client knows it: every step in it was acknowledged."""

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
    lost: int = 0
    odd: list[str] = field(default_factory=list)

    def add(self, other: "Ledger") -> None:
        self.entries += other.entries
        self.unacknowledged += other.unacknowledged
        self.seconds += other.seconds
        self.refused += other.refused
        self.lost += other.lost
        self.odd += other.odd

    @property
    def writes(self) -> int:
        return sum(1 + len(entry.steps) for entry in self.entries)

    def __str__(self) -> str:
        odd = f", {len(self.odd)} other answers, such as {self.odd[0]}" if self.odd else ""
        return (
            f"{self.writes:,} writes acknowledged, {self.lost:,} answers lost and "
            f"{sum(self.refused.values()):,} refused on the way{odd}"
        )


class Load:
    def __init__(
        self, port: int, speak: Sequence[Dialect], *, writers: int, updates: bool = True, pause: float = 0
    ) -> None:
        self.ledger = Ledger()
        self.acknowledged = fork.Value("q", 0)
        self.stopping = fork.Event()
        self.writers: list[tuple[Any, Connection]] = []
        for number in range(writers):
            ours, theirs = fork.Pipe(duplex=False)
            writer = Writer(
                port, speak[number % len(speak)], self.acknowledged, self.stopping, updates, pause
            )
            process = fork.Process(target=writer.run, args=[theirs], daemon=True)
            self.writers.append((process, ours))

    def __enter__(self) -> Self:
        for process, _pipe in self.writers:
            process.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        """Let every write end that was begun, and gather the ledgers."""
        self.stopping.set()
        try:
            for _process, pipe in self.writers:
                if kind is None:
                    self.ledger.add(pipe.recv() if pipe.poll(PATIENCE + 30) else gone())
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
        self, port: int, speak: Dialect, acknowledged: Any, stopping: Any, updates: bool, pause: float
    ) -> None:
        self.port = port
        self.speak = speak
        self.acknowledged = acknowledged
        self.stopping = stopping
        self.updates = updates
        self.pause = pause
        self.ledger = Ledger()

    def run(self, pipe: Connection) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Whoever started it ends it.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self.line = Line(self.port)
        name = uuid.uuid4().hex[:12]
        for number in itertools.count():
            if self.stopping.is_set():
                break
            self.write(f"{name}-{number}")
        pipe.send(self.ledger)

    def write(self, key: str) -> None:
        text = f"Самокат {key} не в сети"
        answer = self.until_acknowledged(self.speak.create(key, text), key)
        if answer is None:
            return
        entry = Entry(key, text, self.speak.made(answer))
        self.ledger.entries.append(entry)
        for step in STEPS if self.updates else ():
            if self.until_acknowledged(self.speak.update(entry.pk, step), f"{key} {step}") is None:
                return
            entry.steps.append(step)

    def until_acknowledged(self, request: Request, name: str) -> Answer | None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            time.sleep(self.pause)
            try:
                answer = self.line.send(request)
            except Lost:
                self.ledger.lost += 1
            else:
                if answer.status in {200, 201} and answer.data is not None:
                    self.ledger.seconds.append(answer.seconds)
                    with self.acknowledged.get_lock():
                        self.acknowledged.value += 1
                    return answer
                if answer.status in TRY_AGAIN:
                    self.ledger.refused[answer.status] += 1
                else:
                    self.ledger.odd.append(str(answer))
            time.sleep(PAUSE)
        self.ledger.unacknowledged.append(name)
        return None


def gone() -> Ledger:
    return Ledger(odd=["a writer did not come back"])


def write_for(seconds: float, load: Load) -> Ledger:
    with load, contextlib.suppress(KeyboardInterrupt):
        time.sleep(seconds)
    return load.ledger
