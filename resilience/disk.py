import contextlib
import os
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from resilience.audit import audit
from resilience.figures import Figure
from resilience.load import Load, dialects
from resilience.service import PASSWORD, Service, running, scratch
from resilience.wire import Line, Request

SIZE = 24 * 1024 * 1024
FULL_SECONDS = 5
REFUSALS = {503, 507}


def run(*, rounds: int = 3) -> list[Figure]:
    """F16: the disk fills while clients write and read, and has room again."""
    readers: Counter[str] = Counter()
    full: Counter[str] = Counter()
    resumed: list[float] = []
    if os.getuid():
        print("skipped disk: a small tmpfs can be mounted by root alone")
        return []
    with small_disk() as disk, running(DATA_DIR=str(disk)) as service:
        token = service.login()
        stop = threading.Event()
        reader = threading.Thread(target=read, args=[service, token, stop, readers])
        load = Load(service.port, dialects(token), writers=4)
        try:
            with load:
                load.wait_for_more(10)
                reader.start()
                for _ in range(rounds):
                    load.wait_for_more(50)
                    with filled(disk):
                        time.sleep(FULL_SECONDS)
                        full.update(refusals(service, token))
                    began = time.monotonic()
                    load.wait_for_more(1)
                    resumed.append(time.monotonic() - began)
        finally:
            stop.set()
            if reader.ident:
                reader.join()
        service.stop()
        found = audit(service, load.ledger)
    refused = sum(load.ledger.refused.values())
    failing = readers.total() - readers["200"]
    is_met = found.is_clean and not failing and not load.ledger.odd and not load.ledger.unacknowledged
    return [
        Figure(
            "F16",
            f"disk (a tmpfs of {SIZE // 2**20} MiB) full {rounds} times: acknowledged lost / reads failing",
            "0 / 0, refused by 503 or 507",
            f"{found}; {failing} of {readers.total():,} reads failed; {load.ledger}",
            is_met and refused > 0,
        ),
        Figure(
            "F16",
            "the answers of a full disk, in their dialects",
            "503 or 507",
            ", ".join(f"{count} x {told}" for told, count in full.items()),
            all(int(told.split()[0]) in REFUSALS for told in full),
        ),
        Figure(
            "F16",
            "from room on the disk to the first write",
            "< 1 s",
            f"{max(resumed):.2f} s at worst",
            max(resumed) < 1,
        ),
    ]


@contextlib.contextmanager
def small_disk() -> Iterator[Path]:
    with scratch() as folder:
        subprocess.run(
            ["/bin/mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=700", "tmpfs", str(folder)], check=True
        )
        try:
            yield folder
        finally:
            # A process that was killed may hold it for a moment.
            subprocess.run(["/bin/umount", "--lazy", str(folder)], check=True)


@contextlib.contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Leave no room on the disk, byte by byte."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (2**20, 2**12, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))
    try:
        yield
    finally:
        ballast.unlink()


def read(service: Service, token: str, stop: threading.Event, readers: Counter[str]) -> None:
    """Read in both dialects until told to stop."""
    with Line(service.port) as line:
        while not stop.is_set():
            for answer in (
                line.post("/incidents/get_all/", token=token, limit=10),
                line.get("/api/incidents/?page_size=10", Authorization=f"Bearer {token}"),
                line.get("/readyz"),
            ):
                readers[str(answer.status)] += 1
            time.sleep(0.02)


def refusals(service: Service, token: str) -> list[str]:
    """Make calls that must write; return status and text of their refusals."""
    bearer = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
    new = {"description": "Самокат", "source": "operator"}
    with Line(service.port) as line:
        post = [
            line.post("/incidents/create/", token=token, incident="Самокат", source="operator"),
            line.post("/users/authorization/", username="admin", password=PASSWORD),
        ]
        rest = [line.send(Request("POST", "/api/incidents/", new, bearer))]
    return [
        *(f"{answer.status} {(answer.data or {}).get('error', answer.body[:80])}" for answer in post),
        *(f"{answer.status} {(answer.data or {}).get('detail', answer.body[:80])}" for answer in rest),
    ]
