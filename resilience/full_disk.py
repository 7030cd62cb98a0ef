import contextlib
import os
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from bench.http_client import Client, Request
from resilience.audit import audit
from resilience.figures import Figure
from resilience.load import Load, dialects
from resilience.service import PASSWORD, Service, Unavailable, running, scratch

SIZE = 24 * 1024 * 1024
FULL_SECONDS = 5
REFUSALS = {503, 507}


def run(*, rounds: int = 3) -> list[Figure]:
    """F16: the disk fills while clients write and read, and has space again."""
    reads: Counter[str] = Counter()
    full: Counter[str] = Counter()
    resumed: list[float] = []
    if os.getuid():
        raise Unavailable("only root can mount a small tmpfs")
    with small_disk() as disk, running(DATA_DIR=str(disk)) as service:
        token = service.login()
        stop = threading.Event()
        reader = threading.Thread(target=read, args=[service, token, stop, reads])
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
    failing = reads.total() - reads["200"]
    is_met = found.is_clean and not failing and not load.ledger.unexpected and not load.ledger.unacknowledged
    return [
        Figure(
            "F16",
            f"disk (a tmpfs of {SIZE // 2**20} MiB) full {rounds} times: acknowledged lost / reads failing",
            "0 / 0, refused by 503 or 507",
            f"{found}; {failing} of {reads.total():,} reads failed; {load.ledger}",
            is_met and refused > 0,
        ),
        Figure(
            "F16",
            "the responses on a full disk, in each dialect",
            "503 or 507",
            ", ".join(f"{count} x {refusal}" for refusal, count in full.items()),
            all(int(refusal.split()[0]) in REFUSALS for refusal in full),
        ),
        Figure(
            "F16",
            "from space on the disk to the first write",
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
            # A process that was killed may still hold it.
            subprocess.run(["/bin/umount", "--lazy", str(folder)], check=True)


@contextlib.contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Fill the disk to the last byte."""
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


def read(service: Service, token: str, stop: threading.Event, reads: Counter[str]) -> None:
    """Read in both dialects until `stop` is set."""
    with Client(service.port) as client:
        while not stop.is_set():
            for response in (
                client.post("/incidents/get_all/", token=token, limit=10),
                client.get("/api/incidents/?page_size=10", Authorization=f"Bearer {token}"),
                client.get("/readyz"),
            ):
                reads[str(response.status)] += 1
            time.sleep(0.02)


def refusals(service: Service, token: str) -> list[str]:
    """Make calls that must write; return status and text of their refusals."""
    bearer = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
    new = {"description": "Самокат", "source": "operator"}
    with Client(service.port) as client:
        post = [
            client.post("/incidents/create/", token=token, incident="Самокат", source="operator"),
            client.post("/users/authorization/", username="admin", password=PASSWORD),
        ]
        rest = [client.send(Request("POST", "/api/incidents/", new, bearer))]
    return [
        *(f"{response.status} {(response.data or {}).get('error', response.body[:80])}" for response in post),
        *(
            f"{response.status} {(response.data or {}).get('detail', response.body[:80])}"
            for response in rest
        ),
    ]
