"""The folder of the backups: incidents-20251111T230812.266Z.sqlite3, and so on; the names are in UTC."""

import contextlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from common import files, locks

NAME = re.compile(r"incidents-\d{8}T\d{6}\.\d{3}Z\.(sqlite3|dump)", re.ASCII)


def timestamp() -> str:
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3] + "Z"


@contextlib.contextmanager
def new_backup(folder: Path, suffix: str) -> Iterator[tuple[Path, Path]]:
    """Yield the path of a draft and the path that it gets once the block has written it, synced to the disk.

    One process at a time makes a backup in the folder; others wait.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locks.exclusive(folder, "backup"):
        for abandoned in folder.glob(f"incidents-*{files.DRAFT}"):
            abandoned.unlink()
        path = folder / f"incidents-{timestamp()}{suffix}"
        with files.atomic_write(path) as draft:
            yield draft, path


def delete_older(folder: Path, keep: int) -> list[Path]:
    """Delete all backups in the folder but the newest `keep`; return the deleted ones."""
    backups = sorted(path for path in folder.iterdir() if NAME.fullmatch(path.name))
    surplus = backups[:-keep]
    for path in surplus:
        path.unlink()
    return surplus
