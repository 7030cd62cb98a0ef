"""What each process counts for GET /metrics: requests, signals of hooks, repeats, attempts of deliveries.

`enable` is called before the forks where METRICS_TOKEN is set; without it nothing is counted, and
prometheus_client is not imported. Each process counts in files of its own, which any worker can sum up
(prometheus_client's multiprocess mode). The files are not named by process id: whoever comes after a process
that has ended goes on in its files, so there are as many as processes, and no count is lost.
"""

import fcntl
import itertools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common import locks

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)  # seconds
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"
FOLDER = "metrics"  # in the data folder
ATTEMPT_OUTCOMES = SUCCESS, FAILURE = "success", "failure"
LOCK = "process-{}"


class Place:
    """Names the files of the calling process by the lowest number that no living process has locked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pid = 0
        self.number = ""
        self.file = -1

    def __call__(self) -> str:
        if self.pid != os.getpid():
            self.pid = os.getpid()
            self.number, self.file = self.free_number()
        return self.number

    def free_number(self) -> tuple[str, int]:
        for number in map(str, itertools.count()):
            file = lock_of(self.folder, number)
            if file is not None:
                return number, file
        raise AssertionError


class Counts:
    """The metrics of the processes. `folder` has their files."""

    def __init__(self, folder: Path) -> None:
        # prometheus_client reads it.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
        from prometheus_client import Counter, Histogram, values

        values.ValueClass = values.MultiProcessValue(Place(folder))  # type: ignore[no-untyped-call]
        self.folder = folder
        self.children: dict[tuple[Any, ...], Any] = {}
        self.requests = Histogram(
            "incidents_http_request_duration_seconds",
            "Time until a response begins, by route and class of its status.",
            ["method", "route", "code"],
            buckets=BUCKETS,
            registry=None,
        )
        self.signals = counter(Counter, "hook_signals", "Signals of monitoring systems.", "kind", "outcome")
        self.repeats = counter(Counter, "repeated", "Reports that an incident had already.", "source")
        self.attempts = counter(
            Counter, "delivery_attempts", "Messages sent to destinations.", "transport", "outcome"
        )

    def prepare(self, metric: Any, *values: Sequence[str]) -> None:
        """Begin with zero for each combination of label values, so that the first one counts as a rise."""
        for labels in itertools.product(*values):
            self.child(metric, *labels)

    def request(self, method: str, route: str | None, status: int, seconds: float) -> None:
        found = self.children.get((method, route, status // 100))
        if found is None:
            path = OTHER if route is None else f"/{route.removesuffix('$')}"
            known = method if method in METHODS else OTHER
            found = self.requests.labels(known, path, f"{status // 100}xx")
            if known == method:
                self.children[method, route, status // 100] = found
        found.observe(seconds)

    def signal(self, kind: str, outcome: str) -> None:
        self.child(self.signals, kind, outcome).inc()

    def attempt(self, transport: str, *, success: bool) -> None:
        self.child(self.attempts, transport, SUCCESS if success else FAILURE).inc()

    def child(self, metric: Any, *labels: str) -> Any:
        key = (metric, *labels)
        if key not in self.children:
            self.children[key] = metric.labels(*labels)
        return self.children[key]


# None until it is enabled.
counts: Counts | None = None


def enable(folder: Path) -> Counts:
    """Let this process and its forks count in files of `folder`."""
    global counts  # noqa: PLW0603  # each process has one
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    counts = counts or Counts(folder)
    return counts


def count_repeat(source: str) -> None:
    if counts:
        counts.child(counts.repeats, source).inc()


def clear(folder: Path) -> None:
    """Delete the files of processes that have ended: a new start counts from zero."""
    for path in folder.glob("*.db"):
        file = lock_of(folder, path.stem.rpartition("_")[2])
        if file is not None:
            path.unlink(missing_ok=True)
            os.close(file)


def lock_of(folder: Path, number: str) -> int | None:
    """Lock a number, as long as the returned descriptor is open; None if a living process has it."""
    file = locks.open_lock_file(folder, LOCK.format(number))
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file


def counter(make: Any, name: str, text: str, *labels: str) -> Any:
    return make(f"incidents_{name}", text, labels, registry=None)
