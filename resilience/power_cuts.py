import shutil
from pathlib import Path

from resilience.audit import Audit, audit
from resilience.figures import Figure
from resilience.load import Ledger, Load, dialects
from resilience.preload import build
from resilience.service import Service, running, scratch

SOURCE = Path(__file__).with_name("power_cuts.c")
# Without the rollback journal, which exists for a short time at the first start only.
FILES = ("incidents.sqlite3", "incidents.sqlite3-wal")


def run(*, cuts: int = 20, writers: int = 6) -> list[Figure]:
    """F18: the power fails under load, and the disk keeps only what was flushed (SQLite).

    The same with SQLITE_SYNCHRONOUS=NORMAL, which does not flush, must lose writes.
    """
    with scratch() as folder:
        library = build(SOURCE, folder)
        found, ledger = under_load(library, cuts, writers, SQLITE_SYNCHRONOUS="FULL")
        control, _ = under_load(library, 1, writers, SQLITE_SYNCHRONOUS="NORMAL")
    return [
        Figure(
            "F18",
            f"acknowledged writes lost / doubled over {cuts} power cuts under load",
            "0 / 0",
            f"{found}; {ledger}",
            found.is_clean and not ledger.unacknowledged and not ledger.unexpected,
        ),
        Figure(
            "",
            "control: the same without flushes (NORMAL), one power cut",
            "some are lost",
            f"{len(control.lost):,} lost",
            bool(control.lost),
        ),
    ]


def under_load(library: Path, cuts: int, writers: int, **settings: str) -> tuple[Audit, Ledger]:
    with scratch() as after_cut:
        preloaded = {"LD_PRELOAD": str(library), "DISK_AFTER_CUT": str(after_cut)}
        with running(**preloaded, **settings) as service:
            load = Load(service.port, dialects(service.login()), writers=writers)
            with load:
                for _ in range(cuts - 1):
                    load.wait_for_more(100)
                    cut_power(after_cut, service)
                load.wait_for_more(100)
            cut_power(after_cut, service)
            return audit(service, load.ledger), load.ledger


def cut_power(after_cut: Path, service: Service) -> None:
    """Replace the database's files by those that the disk has after a power cut, and start again."""
    service.kill_everything()
    for file in service.data.glob("incidents.sqlite3*"):
        file.unlink()
    for name in FILES:
        shutil.copy(after_cut / name, service.data)
    service.start()
    service.wait_until_ready()
