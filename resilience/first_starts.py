import contextlib
import itertools
import random
import time
from collections.abc import Iterator
from pathlib import Path

from common.progress import Progress
from resilience.audit import query
from resilience.figures import Figure
from resilience.postgres import private_postgres
from resilience.service import PASSWORD, Service, Unavailable, scratch

SUPERUSERS = "SELECT username FROM users_user WHERE is_superuser"
PASSWORD_NOTICE = "The password is shown this once:"


def run(*, kills: int = 20, together: int = 5) -> list[Figure]:
    """First starts: several at once, and killed with -9 at any point."""
    figures = [at_once(2), at_once(together)]
    with contextlib.suppress(Unavailable), private_postgres() as cluster:
        figures.append(at_once(2, DATABASE_URL=cluster.url))
    return [*figures, *killed(kills)]


def at_once(count: int, **settings: str) -> Figure:
    """Start several on one data folder, or on one PostgreSQL with a folder each."""
    with scratch() as folder, starting(folder, count, settings) as services:
        for service in services:
            service.wait_until_ready()
        state = database_state(services[0])
        shown = sum(PASSWORD_NOTICE in service.log for service in services)
        keys = {(service.data / "secret_key").read_text() for service in services}
    where = "PostgreSQL, a folder each" if settings else "one folder"
    is_met = state == "one superuser" and shown == 1 and (settings != {} or len(keys) == 1)
    return Figure(
        "",
        f"{count} first starts at once, {where}",
        "all ready, one superuser, one password shown",
        f"all ready, {state}, {shown} shown",
        is_met,
    )


@contextlib.contextmanager
def starting(folder: Path, count: int, settings: dict[str, str]) -> Iterator[list[Service]]:
    services = []
    for number in range(count):
        own = folder / f"own-{number}"
        own.mkdir()
        data = own if settings else folder
        services.append(Service(own, ADMIN_PASSWORD="", DATA_DIR=f"{data}/data", **settings))
    try:
        for service in services:
            service.start()
        yield services
    finally:
        for service in services:
            service.stop()


def killed(kills: int) -> list[Figure]:
    """Kill first starts at points spread over their duration, start again, and check the database."""
    wrong: list[str] = []
    delays: list[float] = []
    password_lost = 0
    duration = first_start()
    with Progress("First starts", kills) as progress:
        for number in range(kills):
            delays.append(duration * (number + random.random()) / kills)
            generated = number % 2 == 0
            with scratch() as folder, contextlib.ExitStack() as stack:
                service = Service(folder, **({"ADMIN_PASSWORD": ""} if generated else {}))
                stack.callback(service.stop)
                service.start()
                time.sleep(delays[-1])
                service.kill_everything()
                service.start()
                try:
                    service.wait_until_ready()
                    state = database_state(service)
                except RuntimeError as error:
                    state = str(error).splitlines()[-1]
                if state != "one superuser":
                    wrong.append(f"after {delays[-1]:.2f} s: {state}")
                elif generated and PASSWORD_NOTICE not in service.log:
                    password_lost += 1
                elif not generated:
                    service.login(password=PASSWORD)
            progress.add(1)
    return [
        Figure(
            "",
            f"first start killed with -9 at {kills} points from 0 to {duration:.1f} s, then started again",
            "ends well each time",
            f"{len(wrong)} ended badly {wrong[:2] or ''}, {password_lost} generated passwords lost",
            not wrong and not password_lost,
        )
    ]


def first_start() -> float:
    """Return the seconds that a first start takes here and now."""
    with scratch() as folder:
        service = Service(folder)
        began = time.monotonic()
        try:
            service.start()
            service.wait_until_ready()
            return time.monotonic() - began
        finally:
            service.stop()


def database_state(service: Service) -> str:
    """Return "one superuser", or which ones there are; that the schema is complete /readyz has said."""
    superusers = list(itertools.chain.from_iterable(query(service, SUPERUSERS)))
    return "one superuser" if superusers == ["admin"] else f"the superusers {superusers}"
