"""The folder of the backups: incidents-20251111T230812.266Z.sqlite3, and so on; the names are in UTC."""

import contextlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from common import data_dir, files

NAME = re.compile(r"incidents-\d{8}T\d{6}\.\d{3}Z\.(sqlite3|dump)", re.ASCII)


def moment() -> str:
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3] + "Z"


@contextlib.contextmanager
def new(folder: Path, suffix: str) -> Iterator[tuple[Path, Path]]:
    """Give the path to write a backup to and the one it will have once it is whole and on the disk.

    Others that want to make one wait.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with data_dir.locked(folder, "backup"):
        for left_behind in folder.glob(f"incidents-*{files.DRAFT}"):
            left_behind.unlink()
        path = folder / f"incidents-{moment()}{suffix}"
        with files.atomic_write(path) as draft:
            yield draft, path


def keep(folder: Path, newest: int) -> list[Path]:
    """Delete all but the `newest` backups in the folder and return the deleted ones."""
    backups = sorted(path for path in folder.iterdir() if NAME.fullmatch(path.name))
    surplus = backups[:-newest]
    for path in surplus:
        path.unlink()
    return surplus
