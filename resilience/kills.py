import contextlib
import random
import time
from pathlib import Path

from common.progress import Progress
from resilience.audit import audit
from resilience.figures import Figure
from resilience.load import Load, dialects
from resilience.postgres import private_postgres
from resilience.service import KINDS, MAX_START_SECONDS, Service, running

BETWEEN_KILLS = 12  # writes acknowledged, at least
TARGETS = (
    "worker",
    "workers",
    "worker",
    "everything",
    "worker",
    "master",
    "worker",
    "everything",
    "worker",
    "workers",
)


def run(
    *, kills: int = 100, database: str = "sqlite", kind: str = "service", writers: int = 6
) -> list[Figure]:
    """F1, F15: kill -9 of workers, the master and everything, again and again, while clients write."""
    with contextlib.ExitStack() as stack:
        settings = {}
        if database == "postgres":
            settings["DATABASE_URL"] = stack.enter_context(private_postgres()).url
        service = stack.enter_context(running(KINDS[kind], **settings))
        token = service.login() if kind == "service" else ""
        restarts: dict[str, list[float]] = {"everything": [], "master": []}
        progress = stack.enter_context(Progress("Kills", kills))
        with Load(service.port, dialects(token), writers=writers) as load:
            for number in range(kills):
                load.wait_for_more(BETWEEN_KILLS, seconds=40)
                time.sleep(random.uniform(0, 0.1))
                target = TARGETS[number % len(TARGETS)]
                seconds = kill(service, target)
                if target in restarts:
                    restarts[target].append(seconds)
                progress.add(1)
        service.stop()
        found = audit(service, load.ledger)
    where = f"{kind} on {database}"
    all_acknowledged = not load.ledger.unacknowledged and not load.ledger.unexpected
    return [
        Figure(
            "F1",
            f"acknowledged writes lost or doubled over {kills} kill -9, {where}",
            "0 / 0",
            f"{found}; {load.ledger}",
            found.is_clean and all_acknowledged,
        ),
        *(ready_again(target, seconds, where) for target, seconds in restarts.items() if seconds),
    ]


def ready_again(target: str, seconds: list[float], where: str) -> Figure:
    return Figure(
        "F15",
        f"ready again after kill -9 of {target}, {where}",
        "< 3 s",
        f"{max(seconds):.1f} s at worst, {sum(seconds) / len(seconds):.1f} s on average of {len(seconds)}",
        max(seconds) < 3,
    )


def kill(service: Service, target: str) -> float:
    """Kill, and start what does not come back by itself; return the seconds until it is ready."""
    began = time.monotonic()
    match target:
        case "worker":
            service.kill(random.sample(service.workers(), k=min(1, len(service.workers()))))
            return 0
        case "workers":
            service.kill(service.workers())
            return 0
        case "master":
            orphans = service.workers()
            service.kill([service.master])
            assert service.process
            service.process.wait()
            service.start()
            # The orphans hold the port until they notice; a supervisor tries again and again.
            while any(is_alive(pid) for pid in orphans):
                if service.has_ended():
                    service.start()
                if time.monotonic() - began > MAX_START_SECONDS:
                    service.kill(orphans)
                time.sleep(0.005)
        case _:
            service.kill_everything()
            service.start()
    service.wait_until_ready(supervised=True)
    return time.monotonic() - began


def is_alive(pid: int) -> bool:
    with contextlib.suppress(OSError), Path(f"/proc/{pid}/stat").open() as stat:
        return stat.read().rpartition(")")[2].split()[0] != "Z"
    return False
