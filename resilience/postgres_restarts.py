import time
from collections.abc import Callable

from resilience.audit import audit
from resilience.figures import Figure
from resilience.load import Load, dialects
from resilience.postgres import Cluster, private_postgres
from resilience.service import running

AWAY = (1, 3, 8)  # seconds between stop and start


def run(*, restarts: int = 6, writers: int = 6) -> list[Figure]:
    """F17: PostgreSQL is stopped under load, immediately or fast, and started again."""
    # A client that backs off between its attempts is late after a long absence only.
    absences = [AWAY[number // 2 % len(AWAY)] for number in range(restarts)]
    first: dict[str, list[float]] = {"immediate": [], "fast": []}
    with private_postgres() as cluster, running(DATABASE_URL=cluster.url) as service:
        with Load(service.port, dialects(service.login()), writers=writers) as load:
            for number, away in enumerate(absences):
                mode = "fast" if number % 2 else "immediate"
                load.wait_for_more(200)
                first[mode].append(restart(cluster, mode, away, lambda: load.acknowledged.value))
        service.stop()
        found = audit(service, load.ledger)
    return [
        Figure(
            "F17",
            f"nothing acknowledged lost over {restarts} restarts of PostgreSQL under load",
            "0 / 0",
            f"{found}; {load.ledger}",
            found.is_clean and not load.ledger.unexpected and not load.ledger.unacknowledged,
        ),
        *(
            Figure(
                "F17",
                f"PostgreSQL back after `stop -m {mode}` and up to {max(absences)} s: to the first success",
                "< 1 s",
                ", ".join(f"{value:.2f} s" for value in seconds),
                max(seconds) < 1,
            )
            for mode, seconds in first.items()
            if seconds
        ),
    ]


def restart(cluster: Cluster, mode: str, away: float, acknowledged: Callable[[], int]) -> float:
    """Stop and start the cluster; return the seconds from its readiness to the next acknowledged write."""
    cluster.stop(mode)
    before = acknowledged()
    time.sleep(away)
    cluster.start(wait=False)
    cluster.wait_until_ready()
    ready = time.monotonic()
    while acknowledged() == before:
        if time.monotonic() - ready > 60:
            break
        time.sleep(0.002)
    return time.monotonic() - ready
