"""Copy, check and replace an SQLite database."""

import contextlib
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from common import files
from common.db.sqlite.library import sqlite3
from common.progress import Progress
from incidents.feed.models import FeedState
from operations.backups import directory
from operations.backups.manifest import BackupError, Manifest, require_usable

SUFFIX = ".sqlite3"
PAGES_PER_STEP = 16384
MAX_REPORTED_FAULTS = 10
MAX_MAPPED_BYTES = 2**31
# Cursors of the replaced database must not be taken for those of the restored one.
FEED_STATE = FeedState._meta.db_table
JOURNAL_SUFFIXES = ("-wal", "-shm", "-journal")


def back_up(live: Path, draft: Path) -> Manifest:
    """Copy a snapshot of the database, in use or not, and check the copy."""
    if not live.exists():
        raise BackupError(f"there is no database at {live} yet")
    try:
        rows = copy(live, draft)
        manifest = check(draft)
    except sqlite3.Error as error:
        raise BackupError(f"SQLite reports: {error}") from None
    if manifest.rows != rows:
        raise BackupError(
            f"the copy has other row counts than the database: {dict(manifest.rows)}, not {rows}"
        )
    return manifest


def copy(live: Path, draft: Path) -> dict[str, int]:
    """Copy a snapshot of the database at `live` into the file `draft`; return its row count by table."""
    with (
        contextlib.closing(sqlite3.connect(live, isolation_level=None)) as source,
        contextlib.closing(sqlite3.connect(draft, isolation_level=None)) as target,
        Progress("Copy", unit=" pages") as progress,
    ):
        # A failed copy is deleted and a complete one is synced as a whole: it needs no journal.
        target.execute("PRAGMA journal_mode=OFF")
        target.execute("PRAGMA synchronous=OFF")
        # The open read transaction is the snapshot. Without it any write would restart the copy.
        source.execute("BEGIN")
        rows = row_counts(source)

        def report(_status: int, remaining: int, total: int) -> None:
            progress.total = total
            progress.set(total - remaining)

        source.backup(target, pages=PAGES_PER_STEP, progress=report)
        # In WAL mode, which is copied too, every reader of the backup would leave files beside it.
        target.execute("PRAGMA journal_mode=DELETE")
    return rows


def check(path: Path) -> Manifest:
    """Check the whole file without changing a byte of it or beside it; raise `BackupError`."""
    for extra in JOURNAL_SUFFIXES:
        beside = path.with_name(path.name + extra)
        if beside.exists() and beside.stat().st_size:
            raise BackupError(f"{beside.name} beside it shows that it is a database in use, not a backup")
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    try:
        with (
            contextlib.closing(sqlite3.connect(uri, uri=True)) as file,
            Progress("Check every page and reference"),
        ):
            # No process writes to the file: the check of a mapped file takes a fifth less time.
            file.execute(f"PRAGMA mmap_size={MAX_MAPPED_BYTES}")
            check_integrity(file)
            rows = row_counts(file)
            manifest = Manifest(frozenset(applied_migrations(file, rows)), rows)
    except sqlite3.DatabaseError as error:
        raise BackupError(f"SQLite reports: {error}") from None
    require_usable(manifest)
    return manifest


def check_integrity(file: sqlite3.Connection) -> None:
    faults = [text for (text,) in file.execute(f"PRAGMA integrity_check({MAX_REPORTED_FAULTS})")]
    if faults != ["ok"]:
        raise BackupError(f"it is damaged: {'; '.join(faults)}")
    orphans = file.execute("PRAGMA foreign_key_check").fetchmany(MAX_REPORTED_FAULTS)
    if orphans:
        rows = ", ".join(f"{table} row {row}" for table, row, *_ in orphans)
        raise BackupError(f"it has references to missing rows: {rows}")


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
    """Replace `live` by a checked copy of `backup`; return where the replaced one is kept."""
    with exclusive_use(live), files.atomic_write(live) as draft:
        shutil.copyfile(backup, draft)
        rows = check(draft).rows
        with contextlib.closing(sqlite3.connect(draft)) as copied:
            if FEED_STATE in rows:
                copied.execute(f"DELETE FROM {FEED_STATE}")  # noqa: S608  # the model's table
                copied.commit()
            copied.execute("PRAGMA journal_mode=WAL")
        return keep_replaced(live)


@contextlib.contextmanager
def exclusive_use(live: Path) -> Iterator[None]:
    """Lock the database for this process alone, its WAL checkpointed; raise `BackupError` if it is in use."""
    if not live.exists():
        yield
        return
    with contextlib.closing(sqlite3.connect(live, isolation_level=None, timeout=0)) as database:
        try:
            # Only the last connection can leave WAL mode, and it deletes -wal and -shm.
            database.execute("PRAGMA journal_mode=DELETE")
            database.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise BackupError(f"another program uses {live} ({error}): stop it first") from None
        except sqlite3.DatabaseError:
            pass  # It is damaged, which is why it is replaced.
        yield


def keep_replaced(live: Path) -> Path | None:
    """Give the database, and the WAL of a damaged one, a second name beside it."""
    if not live.exists():
        return None
    kept = live.with_name(f"{live.stem}-replaced-{directory.timestamp()}{SUFFIX}")
    kept.hardlink_to(live)
    for extra in JOURNAL_SUFFIXES:
        beside = live.with_name(live.name + extra)
        if beside.exists():
            beside.rename(kept.with_name(kept.name + extra))
    return kept
