import shutil
import subprocess
from pathlib import Path

from resilience.audit import Found, audit
from resilience.figures import Figure
from resilience.load import Ledger, Load, dialects
from resilience.service import Service, running, scratch

SOURCE = Path(__file__).with_name("power.c")
# Without the rollback journal: it stood for a moment at the first start, and SQLite waits for its removal.
FILES = ("incidents.sqlite3", "incidents.sqlite3-wal")


def run(*, cuts: int = 20, writers: int = 6) -> list[Figure]:
    """F18: the power fails under load, and the disk has only what was waited for (SQLite).

    The same is done with SQLITE_SYNCHRONOUS=NORMAL, which does not wait: there something must be missing.
    """
    compiler = shutil.which("cc")
    if compiler is None:
        print("skipped power: no C compiler to build power.c")
        return []
    with scratch() as folder:
        library = folder / "power.so"
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, SOURCE], check=True)
        found, ledger = cut(library, cuts, writers, SQLITE_SYNCHRONOUS="FULL")
        control, _ = cut(library, 1, writers, SQLITE_SYNCHRONOUS="NORMAL")
    return [
        Figure(
            "F18",
            f"acknowledged writes lost / doubled over {cuts} power cuts under load",
            "0 / 0",
            f"{found}; {ledger}",
            found.is_clean and not ledger.unacknowledged and not ledger.odd,
        ),
        Figure(
            "",
            "the same where nobody waits for the disk (NORMAL), one power cut",
            "some are lost, or this would see nothing",
            f"{len(control.lost):,} lost",
            bool(control.lost),
        ),
    ]


def cut(library: Path, cuts: int, writers: int, **settings: str) -> tuple[Found, Ledger]:
    with scratch() as after_cut:
        preloaded = {"LD_PRELOAD": str(library), "DISK_AFTER_CUT": str(after_cut)}
        with running(**preloaded, **settings) as service:
            load = Load(service.port, dialects(service.login()), writers=writers)
            with load:
                for _ in range(cuts - 1):
                    load.wait_for_more(100)
                    fail(after_cut, service)
                load.wait_for_more(100)
            fail(after_cut, service)
            return audit(service, load.ledger), load.ledger


def fail(after_cut: Path, service: Service) -> None:
    """Leave of the database what the disk has after a power cut, and start again."""
    service.kill_everything()
    for file in service.data.glob("incidents.sqlite3*"):
        file.unlink()
    for name in FILES:
        shutil.copy(after_cut / name, service.data)
    service.start()
    service.wait_until_ready()
