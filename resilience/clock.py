import contextlib
import itertools
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from resilience.audit import audit, query
from resilience.figures import Figure
from resilience.load import Load, dialects
from resilience.service import PASSWORD, Service, running, scratch
from resilience.wire import Line

SOURCE = Path(__file__).with_name("clock.c")
DAY = 24 * 3600
JUMPS = (DAY, 0, -DAY, 0)  # how far the service's clock is off, one after the other
AGE_ORDER = "SELECT incident_id, id, at FROM incidents_event ORDER BY id"


def run(*, seconds: float = 3.0) -> list[Figure]:
    """The clock jumps by a day to and fro under load: ids, pages, tokens, limits and history."""
    compiler = shutil.which("cc")
    if compiler is None:
        print("skipped clock: no C compiler to build clock.c")
        return []
    with scratch() as folder:
        library, clock = folder / "clock.so", folder / "off"
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, SOURCE], check=True)
        set_clock(clock, 0)
        settings = {
            "LD_PRELOAD": str(library),
            "CLOCK_OFF": str(clock),
            "TOKEN_TTL": "259200",  # A clock a day ahead may end no token of the load.
            "TRUSTED_PROXIES": "1",
        }
        with running(**settings) as service:
            return [
                *under_load(service, clock, seconds),
                unlocked(service, clock),
                token_ends(service, clock),
            ]


def set_clock(clock: Path, off: int) -> None:
    draft = clock.with_suffix(".draft")
    draft.write_text(str(off))
    draft.rename(clock)


def under_load(service: Service, clock: Path, seconds: float) -> list[Figure]:
    token = service.login()
    wrong: list[str] = []
    walks = itertools.count()
    load = Load(service.port, dialects(token), writers=3, pause=0.005)
    with load, walking(service, token, wrong, walks):
        for off in (*JUMPS, JUMPS[-1]):
            load.wait_for_more(30)
            time.sleep(seconds)
            set_clock(clock, off)
    # The audit reads what nobody writes to any more: the load has ended.
    found = audit(service, load.ledger)
    days = {str(at)[:10] for _incident, _pk, at in query(service, AGE_ORDER)}
    ledger = load.ledger
    return [
        Figure(
            "",
            f"clock off by {', '.join(f'{off / DAY:+g}' for off in JUMPS)} days under load: ids and history",
            "0 / 0, each history in the order of what happened",
            f"{found}; {ledger}; incidents of {len(days)} days",
            found.is_clean and not ledger.odd and not ledger.unacknowledged and len(days) >= 3,
        ),
        Figure(
            "",
            "pages walked meanwhile: rows repeated or skipped",
            "0",
            f"{len(wrong)} in {next(walks)} walks {wrong[:1] or ''}",
            not wrong,
        ),
    ]


@contextlib.contextmanager
def walking(service: Service, token: str, wrong: list[str], walks: "itertools.count[int]") -> Iterator[None]:
    """Walk the whole list again and again beside the work."""
    stop = threading.Event()

    def walk() -> None:
        known: set[int] = set()
        while not stop.is_set():
            seen = list(pages(service, token))
            if len(seen) != len(set(seen)):
                wrong.append("repeated")
            if not known <= set(seen):
                wrong.append(f"skipped {sorted(known - set(seen))[:3]}")
            known |= set(seen)
            next(walks)

    thread = threading.Thread(target=walk)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def pages(service: Service, token: str) -> Iterator[int]:
    cursor: Any = None
    with Line(service.port) as line:
        while True:
            answer = line.post("/incidents/get_all/", token=token, limit=50, cursor=cursor)
            if answer.status != 200:
                return
            yield from (item["id"] for item in answer.data["data"]["incidents"])
            cursor = answer.data["data"]["next"]
            if cursor is None:
                return


def unlocked(service: Service, clock: Path) -> Figure:
    """Fail logins while the clock is a day ahead, put it right, and ask how long the limit lasts."""
    set_clock(clock, DAY)
    address = {"X-Forwarded-For": "10.0.11.1"}
    with Line(service.port, headers=address) as line:
        for _ in range(6):
            line.post("/users/authorization/", username="admin", password="wrong 7 mice")
        set_clock(clock, 0)
        answer = line.post("/users/authorization/", username="admin", password=PASSWORD)
    wait = int(answer.headers.get("Retry-After", "0"))
    return Figure(
        "",
        "a login limit reached while the clock was a day ahead, after it was put right",
        "over within 5 minutes",
        f"{answer.status}, Retry-After {wait} s",
        wait <= 300,
    )


def token_ends(service: Service, clock: Path) -> Figure:
    """Tell whether a token ends with its time, whatever the clock did."""
    set_clock(clock, 0)
    token = service.login()

    def status() -> int:
        with Line(service.port) as line:
            return line.post("/incidents/get_all/", token=token, limit=1).status

    found = []
    for off in (0, -DAY, 2 * DAY, 4 * DAY, 0):
        set_clock(clock, off)
        found.append(status())
    set_clock(clock, 0)
    return Figure(
        "",
        "a token of 3 days with the clock off by 0, -1, +2, +4, 0 days",
        "200, 200, 200, 401, 200",
        ", ".join(map(str, found)),
        found == [200, 200, 200, 401, 200],
    )
