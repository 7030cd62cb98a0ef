"""The dispatcher as a process of `manage.py serve`."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.receiver import Receiver, listening
from testing.service import ROOT, Service, served

SECONDS = 15


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as receiver:
        yield receiver


@pytest.fixture
def service(receiver: Receiver) -> Iterator[Service]:
    with served(OUTBOUND_ALLOWED_NETWORKS="127.0.0.0/8") as service:
        environment = Path(f"/proc/{service.process.pid}/environ").read_bytes().split(b"\0")
        settings = dict(os.fsdecode(line).split("=", 1) for line in environment if line)
        add = [sys.executable, "manage.py", "destination", "add", "webhook", "hook", receiver.url]
        subprocess.run(add, cwd=ROOT, env=settings, check=True, capture_output=True)
        yield service


def report(service: Service) -> None:
    response = service.post("/incidents/create/", token=service.token(), incident="Fire", source="operator")
    assert response.status == 201


def wait_for(receiver: Receiver, count: int) -> None:
    deadline = time.monotonic() + SECONDS
    while len(receiver.received) < count:
        assert time.monotonic() < deadline, "nothing was delivered"
        time.sleep(0.01)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def listens(pid: int) -> bool:
    sockets = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
    inodes = {
        f"socket:[{fields[9]}]"
        for fields in map(str.split, Path("/proc/net/tcp").read_text().splitlines()[1:])
        if fields[3] == "0A"
    }
    return bool(sockets & inodes)


def dispatcher_of(service: Service) -> int:
    """Return the one child of the master that has no listener."""
    deadline = time.monotonic() + SECONDS
    while True:
        found = [pid for pid in children(service.process.pid) if not listens(pid)]
        if len(found) == 1:
            return found[0]
        assert time.monotonic() < deadline, "there is no dispatcher"
        time.sleep(0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_dispatcher_delivers_and_is_started_anew_after_it_was_killed(
    service: Service, receiver: Receiver
) -> None:
    report(service)
    wait_for(receiver, 1)
    killed = dispatcher_of(service)
    os.kill(killed, signal.SIGKILL)
    report(service)
    wait_for(receiver, 2)
    assert dispatcher_of(service) != killed


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_it_ends_with_the_master_even_if_that_is_killed(service: Service, receiver: Receiver) -> None:
    report(service)
    wait_for(receiver, 1)
    dispatcher = dispatcher_of(service)
    workers = set(children(service.process.pid))
    os.kill(service.process.pid, signal.SIGKILL)
    service.process.wait()
    deadline = time.monotonic() + SECONDS
    while Path(f"/proc/{dispatcher}").exists():
        assert time.monotonic() < deadline, "the dispatcher goes on without its master"
        time.sleep(0.05)
    for worker in workers:
        while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
            time.sleep(0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_stop_ends_it_at_once(service: Service, receiver: Receiver) -> None:
    report(service)
    wait_for(receiver, 1)
    dispatcher = dispatcher_of(service)
    started = time.monotonic()
    service.process.send_signal(signal.SIGTERM)
    service.process.wait(timeout=SECONDS)
    assert time.monotonic() - started < 5
    assert not Path(f"/proc/{dispatcher}").exists()
