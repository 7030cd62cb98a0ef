import contextlib
import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.http_client import Client
from resilience.audit import audit, query
from resilience.figures import Figure
from resilience.load import Load, dialects
from resilience.preload import build
from resilience.service import PASSWORD, Service, running, scratch

SOURCE = Path(__file__).with_name("clock_jumps.c")
DAY = 24 * 3600
OFFSETS = (DAY, 0, -DAY, 0)  # seconds of the service's clock, one after the other
EVENTS = "SELECT incident_id, id, at FROM incidents_event ORDER BY id"


def run(*, seconds: float = 3.0) -> list[Figure]:
    """The wall clock jumps by a day forwards and back under load: ids, pages, tokens, limits and history."""
    with scratch() as folder:
        library, clock = build(SOURCE, folder), folder / "offset"
        set_clock(clock, 0)
        settings = {
            "LD_PRELOAD": str(library),
            "CLOCK_OFFSET_FILE": str(clock),
            "TOKEN_TTL": "259200",  # A clock a day ahead must expire no token of the load.
            "TRUSTED_PROXIES": "1",
        }
        with running(**settings) as service:
            return [
                *under_load(service, clock, seconds),
                login_limit(service, clock),
                token_expiry(service, clock),
            ]


def set_clock(clock: Path, offset: int) -> None:
    draft = clock.with_suffix(".draft")
    draft.write_text(str(offset))
    draft.rename(clock)


def under_load(service: Service, clock: Path, seconds: float) -> list[Figure]:
    token = service.login()
    wrong: list[str] = []
    passes = itertools.count()
    load = Load(service.port, dialects(token), writers=3, pause=0.005)
    with load, reading_pages(service, token, wrong, passes):
        for offset in (*OFFSETS, OFFSETS[-1]):
            load.wait_for_more(30)
            time.sleep(seconds)
            set_clock(clock, offset)
    found = audit(service, load.ledger)
    days = {str(at)[:10] for _incident, _pk, at in query(service, EVENTS)}
    ledger = load.ledger
    offsets = ", ".join(f"{offset / DAY:+g}" for offset in OFFSETS)
    return [
        Figure(
            "",
            f"clock off by {offsets} days under load: ids and history",
            "0 / 0, each history in the order of what happened",
            f"{found}; {ledger}; incidents of {len(days)} days",
            found.is_clean and not ledger.unexpected and not ledger.unacknowledged and len(days) >= 3,
        ),
        Figure(
            "",
            "pages read meanwhile: rows repeated or skipped",
            "0",
            f"{len(wrong)} in {next(passes)} passes {wrong[:1] or ''}",
            not wrong,
        ),
    ]


@contextlib.contextmanager
def reading_pages(
    service: Service, token: str, wrong: list[str], passes: "itertools.count[int]"
) -> Iterator[None]:
    """Read the whole list by pages, again and again, in a thread."""
    stop = threading.Event()

    def read() -> None:
        known: set[int] = set()
        while not stop.is_set():
            seen = list(pages(service, token))
            if len(seen) != len(set(seen)):
                wrong.append("repeated")
            if not known <= set(seen):
                wrong.append(f"skipped {sorted(known - set(seen))[:3]}")
            known |= set(seen)
            next(passes)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def pages(service: Service, token: str) -> Iterator[int]:
    cursor: Any = None
    with Client(service.port) as client:
        while True:
            response = client.post("/incidents/get_all/", token=token, limit=50, cursor=cursor)
            if response.status != 200:
                return
            yield from (item["id"] for item in response.data["data"]["incidents"])
            cursor = response.data["data"]["next"]
            if cursor is None:
                return


def login_limit(service: Service, clock: Path) -> Figure:
    """Fail logins while the clock is a day ahead, put it right, and ask how long the limit lasts."""
    set_clock(clock, DAY)
    address = {"X-Forwarded-For": "10.0.11.1"}
    with Client(service.port, headers=address) as client:
        for _ in range(6):
            client.post("/users/authorization/", username="admin", password="wrong 7 mice")
        set_clock(clock, 0)
        response = client.post("/users/authorization/", username="admin", password=PASSWORD)
    wait = int(response.headers.get("Retry-After", "0"))
    return Figure(
        "",
        "a login limit reached while the clock was a day ahead, after it was put right",
        "over within 5 minutes",
        f"{response.status}, Retry-After {wait} s",
        wait <= 300,
    )


def token_expiry(service: Service, clock: Path) -> Figure:
    """Check that a token expires by the clock, whatever its jumps."""
    set_clock(clock, 0)
    token = service.login()

    def status() -> int:
        with Client(service.port) as client:
            return client.post("/incidents/get_all/", token=token, limit=1).status

    found = []
    for offset in (0, -DAY, 2 * DAY, 4 * DAY, 0):
        set_clock(clock, offset)
        found.append(status())
    set_clock(clock, 0)
    return Figure(
        "",
        "a token of 3 days with the clock off by 0, -1, +2, +4, 0 days",
        "200, 200, 200, 401, 200",
        ", ".join(map(str, found)),
        found == [200, 200, 200, 401, 200],
    )
