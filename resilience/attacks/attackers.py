"""Clients that attack at once, in processes of their own.

with Attackers(16, partial(repeated, port, [request])) as attackers:
    time.sleep(10)
attackers.outcomes
"""

import contextlib
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from typing import Any, Self

from bench.http_client import Client, NoResponse, Request
from resilience.load import fork

PROCESSES = 4
TIMEOUT = 60

# What one of them does: it yields the outcome of each request, or an empty one to look whether to go on. It
# begins anew after an OSError, and is finished when it ends.
Attack = Callable[[int], Iterator[str]]


class Attackers:
    def __init__(self, count: int, attack: Attack) -> None:
        self.count = count
        self.outcomes: Counter[str] = Counter()
        self.stopping = fork.Event()
        self.finished = fork.Value("i", 0)
        self.processes: list[tuple[Any, Connection]] = []
        for first in range(min(count, PROCESSES)):
            ours, theirs = fork.Pipe(duplex=False)
            numbers = range(first, count, PROCESSES)
            process = fork.Process(
                target=run, args=[attack, numbers, self.stopping, self.finished, theirs], daemon=True
            )
            self.processes.append((process, ours))

    def __enter__(self) -> Self:
        for process, _pipe in self.processes:
            process.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Ask each process what it got, and end it with its connections, whatever they wait for."""
        self.stopping.set()
        try:
            for _process, pipe in self.processes:
                if pipe.poll(10):
                    self.outcomes += pipe.recv()
        finally:
            for process, _pipe in self.processes:
                process.kill()
                process.join()

    @property
    def are_at_work(self) -> bool:
        """Tell whether any of them still sends."""
        return bool(self.finished.value < self.count)

    def __str__(self) -> str:
        parts = (f"{count:,} x {outcome}" for outcome, count in sorted(self.outcomes.items()))
        return ", ".join(parts) or "nothing"


def run(attack: Attack, numbers: range, stopping: Event, finished: Any, pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The process that started it ends it.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    outcomes: Counter[str] = Counter()
    lock = threading.Lock()

    def attack_until_stopped(number: int) -> None:
        while not stopping.is_set():
            with contextlib.suppress(OSError):
                for outcome in attack(number):
                    if outcome:
                        with lock:
                            outcomes[outcome] += 1
                    if stopping.is_set():
                        return
                with finished.get_lock():
                    finished.value += 1
                return
            time.sleep(0.05)  # The connection broke.

    for number in numbers:
        threading.Thread(target=attack_until_stopped, args=[number], daemon=True).start()
    stopping.wait()
    with lock:
        pipe.send(outcomes)
    time.sleep(TIMEOUT)


def repeated(port: int, requests: Sequence[Request], number: int) -> Iterator[str]:
    """Send one of the requests, by the number of the attacker, again and again over one connection."""
    request = requests[number % len(requests)]
    with Client(port, timeout=TIMEOUT) as client:
        while True:
            try:
                yield str(client.send(request).status)
            except NoResponse:
                yield "no response"
