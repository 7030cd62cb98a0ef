"""Copying, checking and replacing an SQLite database."""

import contextlib
import shutil
import sqlite3
from collections.abc import Collection, Iterator
from pathlib import Path

from common import files
from common.progress import Progress
from operations.backups import directory
from operations.backups.manifest import BackupError, Contents, must_be_usable

SUFFIX = ".sqlite3"
PAGES_AT_ONCE = 16384
MAX_REPORTED_FAULTS = 10
MAX_MAPPED_BYTES = 2**31  # bytes
BESIDE = ("-wal", "-shm", "-journal")


def back_up(live: Path, draft: Path) -> Contents:
    """Copy the database, in use or not, as it is at one moment, and check the copy."""
    if not live.exists():
        raise BackupError(f"there is no database at {live} yet")
    try:
        rows = copy(live, draft)
        contents = check(draft)
    except sqlite3.Error as error:
        raise BackupError(f"SQLite says: {error}") from None
    if contents.rows != rows:
        raise BackupError(f"the copy has other rows than the database: {dict(contents.rows)}, not {rows}")
    return contents


def copy(live: Path, draft: Path) -> dict[str, int]:
    """Copy the database at `live` into the file `draft`; return the rows of its tables at that moment."""
    with (
        contextlib.closing(sqlite3.connect(live, isolation_level=None)) as source,
        contextlib.closing(sqlite3.connect(draft, isolation_level=None)) as target,
        Progress("Copy", unit=" pages") as progress,
    ):
        # A copy that fails is thrown away, one that does not is synced as a whole: it needs no journal.
        target.execute("PRAGMA journal_mode=OFF")
        target.execute("PRAGMA synchronous=OFF")
        # The open read holds the moment. Without it any write would make the copy begin anew.
        source.execute("BEGIN")
        rows = row_counts(source)

        def tell(_status: int, remaining: int, total: int) -> None:
            progress.total = total
            progress.set(total - remaining)

        source.backup(target, pages=PAGES_AT_ONCE, progress=tell)
        # Copied as well, WAL would make everyone who looks into the backup leave files beside it.
        target.execute("PRAGMA journal_mode=DELETE")
    return rows


def check(path: Path) -> Contents:
    """Look through the whole file without changing a byte of it or beside it; raise `BackupError`."""
    for extra in BESIDE:
        beside = path.with_name(path.name + extra)
        if beside.exists() and beside.stat().st_size:
            raise BackupError(f"{beside.name} beside it shows that it is a database in use, not a backup")
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    try:
        with (
            contextlib.closing(sqlite3.connect(uri, uri=True)) as file,
            Progress("Check that every page and reference is sound"),
        ):
            # Nobody writes to the file: read in place, it is looked through a fifth faster.
            file.execute(f"PRAGMA mmap_size={MAX_MAPPED_BYTES}")
            must_be_sound(file)
            rows = row_counts(file)
            contents = Contents(frozenset(applied_migrations(file, rows)), rows)
    except sqlite3.DatabaseError as error:
        raise BackupError(f"SQLite says: {error}") from None
    must_be_usable(contents)
    return contents


def must_be_sound(file: sqlite3.Connection) -> None:
    faults = [text for (text,) in file.execute(f"PRAGMA integrity_check({MAX_REPORTED_FAULTS})")]
    if faults != ["ok"]:
        raise BackupError(f"it is damaged: {'; '.join(faults)}")
    astray = file.execute("PRAGMA foreign_key_check").fetchmany(MAX_REPORTED_FAULTS)
    if astray:
        places = ", ".join(f"{table} row {row}" for table, row, *_ in astray)
        raise BackupError(f"it refers to rows that are not there: {places}")


def applied_migrations(file: sqlite3.Connection, tables: Collection[str]) -> list[tuple[str, str]]:
    if "django_migrations" not in tables:
        return []
    return file.execute("SELECT app, name FROM django_migrations").fetchall()


def row_counts(database: sqlite3.Connection) -> dict[str, int]:
    tables = database.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'"
    ).fetchall()
    return {
        table: database.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]  # noqa: S608  # from the schema
        for (table,) in tables
    }


def restore(backup: Path, live: Path) -> Path | None:
    """Put a checked copy of `backup` in the place of `live`; return where the replaced one is kept."""
    with used_by_nobody(live), files.atomic_write(live) as draft:
        shutil.copyfile(backup, draft)
        check(draft)
        with contextlib.closing(sqlite3.connect(draft)) as copied:
            copied.execute("PRAGMA journal_mode=WAL")
        return set_aside(live)


@contextlib.contextmanager
def used_by_nobody(live: Path) -> Iterator[None]:
    """Hold the database for this process alone, with its log folded in; raise `BackupError` if in use."""
    if not live.exists():
        yield
        return
    with contextlib.closing(sqlite3.connect(live, isolation_level=None, timeout=0)) as database:
        try:
            # Only the last connection can leave WAL, and it leaves no -wal and -shm behind.
            database.execute("PRAGMA journal_mode=DELETE")
            database.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise BackupError(f"another program uses {live} ({error}): stop it first") from None
        except sqlite3.DatabaseError:
            pass  # It is damaged, which is why it is replaced.
        yield


def set_aside(live: Path) -> Path | None:
    """Give the database, and the log of a damaged one, a second name beside it."""
    if not live.exists():
        return None
    kept = live.with_name(f"{live.stem}-replaced-{directory.moment()}{SUFFIX}")
    kept.hardlink_to(live)
    for extra in BESIDE:
        beside = live.with_name(live.name + extra)
        if beside.exists():
            beside.rename(kept.with_name(kept.name + extra))
    return kept
