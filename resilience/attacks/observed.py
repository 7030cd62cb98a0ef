"""What an attack costs everybody else: other clients' response times, the workers and their memory."""

import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from bench import processes
from bench.http_client import Client, NoResponse, Request
from resilience.attacks.attackers import Attack, Attackers
from resilience.attacks.target import Target
from resilience.figures import Figure, milliseconds, percentile, spread
from resilience.load import fork
from resilience.service import Service

INTERVAL = 0.02
LOOK_EVERY = 0.05
MAX_IDLE_SHARE = 0.1  # of a core
MAX_BUSY_SECONDS = 90
MAX_MEMORY = 400_000_000
MAX_GROWTH = 1.2
MAX_HEALTH_P99 = 0.1
MAX_CREATE_P99 = 0.25
PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")

Probe = Callable[[int], Request]


@dataclass
class Times:
    """The seconds of the responses, and how many other responses there were."""

    seconds: list[float] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def at_rate(self) -> list[float]:
        """The seconds as clients find them that do not wait for each other.

        Behind a response of 5 s stand all that would have asked meanwhile.
        """
        return [
            seconds - number * INTERVAL
            for seconds in self.seconds
            for number in range(1 + int(seconds / INTERVAL))
        ]

    def __str__(self) -> str:
        refused = ", ".join(f"{count:,} x {outcome}" for outcome, count in self.refused.items())
        times = f"{spread(self.at_rate)} of {len(self.seconds):,}" if self.seconds else "none"
        return times + (f"; {refused}" if refused else "")

    def is_below(self, limit: float) -> bool:
        return not self.refused and bool(self.seconds) and percentile(self.at_rate, 0.99) < limit


class Bystander:
    """Another client, in a process of its own: each request over a new connection."""

    def __init__(self, port: int, probe: Probe, timeout: float) -> None:
        self.stopping = fork.Event()
        self.pipe, theirs = fork.Pipe(duplex=False)
        self.timeout = timeout
        self.process: Any = fork.Process(
            target=ask, args=[port, probe, timeout, self.stopping, theirs], daemon=True
        )

    def stop(self) -> Times:
        self.stopping.set()
        return self.pipe.recv() if self.pipe.poll(self.timeout + 5) else Times()

    def kill(self) -> None:
        self.process.kill()
        self.process.join()


def ask(port: int, probe: Probe, timeout: float, stopping: Event, pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    times = Times()
    number = 0
    while not stopping.is_set():
        number += 1
        began = time.perf_counter()
        try:
            with Client(port, timeout=timeout) as client:
                response = client.send(probe(number))
        except NoResponse:
            times.refused["no response"] += 1
        else:
            if response.status not in {200, 201}:
                times.refused[str(response.status)] += 1
        times.seconds.append(time.perf_counter() - began)
        time.sleep(max(0, began + INTERVAL - time.perf_counter()))
    pipe.send(times)


@dataclass
class Observation:
    health: Times
    create: Times
    also: Mapping[str, Times]
    ended: int
    idle: int
    peak: int
    later: int
    recovery_seconds: float
    attackers: Attackers

    def figures(self, number: str, attack: str, *, writes: bool = True) -> list[Figure]:
        """Compare with the goals; `writes` tells whether other clients' creates have one."""
        create_goal = f"p99 < {milliseconds(MAX_CREATE_P99)}, none refused"
        return [
            Figure(
                number,
                f"{attack}: a stranger's /healthz",
                f"p99 < {milliseconds(MAX_HEALTH_P99)}",
                str(self.health),
                self.health.is_below(MAX_HEALTH_P99),
            ),
            Figure(
                number,
                f"{attack}: another user's create",
                create_goal if writes else "no goal",
                str(self.create),
                not writes or self.create.is_below(MAX_CREATE_P99),
            ),
            *(
                Figure(
                    number,
                    f"{attack}: {name}",
                    f"p99 < {milliseconds(MAX_CREATE_P99)}",
                    str(times),
                    times.is_below(MAX_CREATE_P99),
                )
                for name, times in self.also.items()
            ),
            Figure(
                number,
                f"{attack}: workers ended",
                "0",
                f"{self.ended}; the attackers got {self.attackers}",
                self.ended == 0,
            ),
            Figure(
                number,
                f"{attack}: memory of the workers",
                f"< {megabytes(MAX_MEMORY)}, later < idle + {MAX_GROWTH - 1:.0%}",
                f"idle {megabytes(self.idle)}, peak {megabytes(self.peak)}, "
                f"{megabytes(self.later)} after {self.recovery_seconds:.0f} s",
                self.peak < MAX_MEMORY and self.later <= self.idle * MAX_GROWTH,
            ),
        ]


def observe(
    target: Target,
    service: Service,
    token: str,
    attackers: int,
    attack: Attack,
    also: Mapping[str, Probe] | None = None,
) -> Observation:
    """Attack for `target.seconds` and watch; `token` is that of the other user, who asks `also` for these."""
    warm_up(service, token)
    wait_until_idle(service)
    idle = memory(service)
    timeout = target.max_response_seconds
    also = also or {}
    probes = (healthz, lambda number: create(token, number), *also.values())
    bystanders = [Bystander(service.port, probe, timeout) for probe in probes]
    under_way = Attackers(attackers, attack)
    workers = set(service.workers())
    peak = idle
    try:
        with under_way:
            for bystander in bystanders:
                bystander.process.start()
            end = time.monotonic() + target.seconds
            while time.monotonic() < end:
                time.sleep(LOOK_EVERY)
                workers |= set(service.workers())
                peak = max(peak, memory(service))
        health, creates, *others = [bystander.stop() for bystander in bystanders]
    finally:
        for bystander in bystanders:
            bystander.kill()
    began = time.monotonic()
    while (later := memory(service)) > idle * MAX_GROWTH or not service.workers():
        if time.monotonic() > began + target.recovery_seconds:
            break
        peak = max(peak, later)
        time.sleep(LOOK_EVERY)
    ended = len(workers - set(service.workers()))
    watched = dict(zip(also, others, strict=True))
    return Observation(
        health, creates, watched, ended, idle, peak, later, time.monotonic() - began, under_way
    )


def healthz(_number: int) -> Request:
    return Request("GET", "/healthz")


def create(token: str, number: int) -> Request:
    body = {"token": token, "incident": f"Самокат {number} не в сети", "source": "operator"}
    return Request("POST", "/incidents/create/", body)


def warm_up(service: Service, token: str) -> None:
    """Have each worker and most threads answer a few times, or the first memory would be too small."""
    for number in range(40):
        with Client(service.port, timeout=60) as client:
            client.send(healthz(number))
            client.send(create(token, number))


def wait_until_idle(service: Service) -> None:
    """Wait until the workers compute nothing, at most MAX_BUSY_SECONDS."""
    deadline = time.monotonic() + MAX_BUSY_SECONDS
    while time.monotonic() < deadline:
        workers = service.workers()
        with contextlib.suppress(OSError):  # One of them has ended.
            before = processes.cpu_seconds(workers)
            time.sleep(0.5)
            if workers and processes.cpu_seconds(workers) - before < 0.5 * MAX_IDLE_SHARE:
                return


def memory(service: Service) -> int:
    """Return the bytes that the workers have resident; pages that they share count for each."""
    return sum(int(read(f"/proc/{pid}/statm", "0 0").split()[1]) * PAGE_SIZE for pid in service.workers())


def cpu_of(service: Service, requests: Sequence[Request]) -> tuple[float, Counter[int], int]:
    """Return the workers' seconds of CPU a request, the statuses, and the bytes of the last response."""
    wait_until_idle(service)
    before = processes.cpu_seconds(service.workers())
    statuses: Counter[int] = Counter()
    size = 0
    with Client(service.port, timeout=120) as client:
        for request in requests:
            response = client.send(request)
            statuses[response.status] += 1
            size = len(response.body)
    return (processes.cpu_seconds(service.workers()) - before) / len(requests), statuses, size


def read(path: str, default: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:  # It has ended meanwhile.
        return default


def megabytes(size: float) -> str:
    return f"{size / 1e6:,.0f} MB"
