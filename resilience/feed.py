import contextlib
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from bench.http_client import Client
from bench.processes import PROJECT
from resilience.audit import query
from resilience.figures import Figure, percentile, spread
from resilience.postgres import private_postgres
from resilience.service import Service, running

PAGE_SIZES = (1000, 200, 1000)  # of the followers
PAUSE = 0.1  # seconds after a page without events
MAX_SECONDS = 60  # after the last write


@dataclass
class Follower:
    """Reads the feed from its beginning: the ids of the events in their order."""

    service: Service
    token: str
    limit: int
    seen: list[int] = field(default_factory=list)
    created_at: dict[int, float] = field(default_factory=dict)  # when an incident's creation was seen
    after: str | None = None

    def follow(self, newest: "Newest") -> None:
        """Read until the newest event is seen, once it is known."""
        deadline = time.monotonic() + MAX_SECONDS
        with Client(self.service.port) as client:
            while not (newest.event and self.seen and self.seen[-1] >= newest.event):
                if newest.event is None:
                    deadline = time.monotonic() + MAX_SECONDS
                elif time.monotonic() > deadline:
                    return  # What is missing shows.
                if not self.read_page(client):
                    time.sleep(PAUSE)

    def read_page(self, client: Client) -> bool:
        cursor = {} if self.after is None else {"after": self.after}
        response = client.post("/incidents/events/", token=self.token, limit=self.limit, **cursor)
        assert response.status == 200, response
        page: dict[str, Any] = response.data["data"]
        now = time.time()
        self.seen += [event["id"] for event in page["events"]]
        self.created_at |= {
            event["incident"]["id"]: now for event in page["events"] if event["kind"] == "created"
        }
        self.after = page["next"]
        return bool(page["events"])


@dataclass
class Newest:
    """The newest event, None while there are writers."""

    event: int | None = None


def run(*, seconds: int = 30, database: str = "sqlite", writers: int = 16) -> list[Figure]:
    """F20: the feed beside 16 writers, one slow with the smaller id, one that rolls back."""
    with contextlib.ExitStack() as stack:
        settings = {}
        if database == "postgres":
            settings["DATABASE_URL"] = stack.enter_context(private_postgres()).url
        service = stack.enter_context(running(**settings))
        token = service.login()
        newest = Newest()
        followers = [Follower(service, token, limit) for limit in PAGE_SIZES]
        threads = [threading.Thread(target=one.follow, args=[newest]) for one in followers]
        for thread in threads:
            thread.start()
        committed = write(service, writers, seconds)
        events = [pk for (pk,) in query(service, "SELECT id FROM incidents_event ORDER BY id")]
        newest.event = events[-1]
        for thread in threads:
            thread.join()
        again = Follower(service, token, PAGE_SIZES[0])
        again.follow(newest)
    late = [followers[0].created_at[incident] - at for incident, at in committed.items()]
    return [figure(events, followers, again, late, f"{writers} writers for {seconds} s, {database}")]


def write(service: Service, writers: int, seconds: float) -> dict[int, float]:
    """Run the writers, each a process of its own; return when each incident was committed."""
    committed: dict[int, float] = {}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "resilience.feed_writer", str(number), str(seconds)],
            cwd=PROJECT,
            env=service.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(writers)
    ]
    try:
        for process in processes:
            out, errors = process.communicate(timeout=seconds + MAX_SECONDS)
            if process.returncode:
                raise RuntimeError(errors[-2000:])
            committed |= {int(pk): float(at) for pk, at in map(str.split, out.splitlines())}
    finally:
        for process in processes:
            process.kill()
    return committed


def figure(
    events: list[int], followers: list[Follower], again: Follower, late: list[float], where: str
) -> Figure:
    known = set(events)
    skipped = sum(len(known - set(one.seen)) for one in (*followers, again))
    twice = sum(len(one.seen) - len(set(one.seen)) for one in (*followers, again))
    others = sum(one.seen != again.seen for one in followers) + (again.seen != events)
    return Figure(
        "F20",
        f"the feed beside {where}: events skipped / twice / followers that saw another order",
        "0 / 0 / 0; p99 < 1 s",
        f"{skipped} / {twice} / {others} of {len(events):,} events and {len(followers) + 1} followers;"
        f" after the commit {spread(late)}",
        not (skipped or twice or others) and percentile(late, 0.99) < 1,
    )
