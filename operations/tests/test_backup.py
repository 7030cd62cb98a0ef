import contextlib
import os
import stat
import threading
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from common import locks
from common.db.sqlite.library import sqlite3
from operations.backups import directory, sqlite

on_sqlite = pytest.mark.skipif(bool(settings.DATABASE_URL), reason="SQLite's own")

ADD_USER = (
    "INSERT INTO users_user(password, is_superuser, username, first_name, last_name, email, is_staff,"
    " is_active, date_joined, role) VALUES ('!', 0, ?, '', '', '', 0, 1, '2025-01-01', 'viewer')"
)


@pytest.fixture
def live(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database of the service with one user."""
    path = tmp_path / "incidents.sqlite3"
    sqlite.copy(Path(connection.settings_dict["NAME"]), path)
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")
    add_user(path, "first")
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", path)
    monkeypatch.setattr(settings, "DATA_DIR", tmp_path)
    return path


def add_user(path: Path, name: str) -> None:
    with contextlib.closing(sqlite3.connect(path, timeout=30)) as database:
        database.execute(ADD_USER, [name])
        database.commit()


def users(path: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(path)) as database:
        return [name for (name,) in database.execute("SELECT username FROM users_user ORDER BY id")]


def run(*arguments: Any) -> str:
    out = StringIO()
    call_command(*map(str, arguments), stdout=out)
    return out.getvalue()


def backups(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


@pytest.fixture
def backup(live: Path) -> Path:
    run("backup")
    [path] = backups(live.parent / "backups")
    return path


@on_sqlite
def test_a_backup_is_one_private_file_with_every_row(backup: Path) -> None:
    assert directory.NAME.fullmatch(backup.name)
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert users(backup) == ["first"]
    assert backups(backup.parent) == [backup]


@on_sqlite
def test_commits_that_are_only_in_the_wal_are_backed_up_too(live: Path) -> None:
    with contextlib.closing(sqlite3.connect(live)) as reader:
        reader.execute("SELECT 1 FROM users_user").fetchall()
        add_user(live, "second")
        assert live.with_name(f"{live.name}-wal").stat().st_size
        run("backup")
    assert users(backups(live.parent / "backups")[0]) == ["first", "second"]


@on_sqlite
def test_a_backup_under_load_is_a_snapshot(live: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "PAGES_PER_STEP", 1)
    done = threading.Event()

    def write() -> None:
        number = 0
        while not done.is_set():
            add_user(live, f"user{(number := number + 1)}")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _n in range(3):
            run("backup")
    finally:
        done.set()
        writer.join()
    assert len(backups(live.parent / "backups")) == 3


@on_sqlite
def test_only_the_newest_are_kept_and_other_files_stay(live: Path, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "notes.sqlite3").touch()
    (folder / "incidents-20200101T000000.000Z.sqlite3").touch()
    outputs = [run("backup", "--to", folder, "--keep", 2) for _n in range(3)]
    assert "1 older deleted" in outputs[1]
    names = [path.name for path in backups(folder)]
    assert len(names) == 3
    assert "incidents-20200101T000000.000Z.sqlite3" not in names
    assert "notes.sqlite3" in names


@on_sqlite
def test_the_next_backup_deletes_the_draft_of_a_killed_one(live: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / "incidents-20200101T000000.000Z.sqlite3.draft").write_bytes(b"half")
    run("backup")
    assert [path.suffix for path in backups(folder)] == [".sqlite3"]


@on_sqlite
def test_a_failed_backup_leaves_nothing_and_deletes_nothing(live: Path, backup: Path) -> None:
    damage(live)
    with pytest.raises(CommandError, match="No backup was made: "):
        run("backup", "--keep", 1)
    assert backups(backup.parent) == [backup]


@on_sqlite
def test_a_backup_does_not_make_a_missing_database(live: Path) -> None:
    live.unlink()
    with pytest.raises(CommandError, match="there is no database"):
        run("backup")
    assert not live.exists()


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "backups"
    with pytest.raises(CommandError, match=rf"No backup was made: .*'{folder}'"):
        run("backup", "--to", folder)


def test_at_least_one_backup_is_kept() -> None:
    with pytest.raises(CommandError, match="--keep must be at least 1"):
        run("backup", "--keep", 0)


@on_sqlite
def test_a_check_counts_rows_and_changes_nothing(backup: Path) -> None:
    before = (backup.read_bytes(), backup.stat().st_mtime_ns)
    output = run("restore", "--check", backup)
    assert "           1  users_user\n" in output
    assert output.endswith("valid, can be restored\n")
    assert (backup.read_bytes(), backup.stat().st_mtime_ns) == before
    assert backups(backup.parent) == [backup]


def damage(path: Path) -> None:
    """Overwrite all but the first page, which lists the tables."""
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (path.stat().st_size - 4096))


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def replace_by_text(path: Path) -> None:
    path.write_text("no database at all, but long enough to look like one" * 100)


def alter(*statements: str) -> Callable[[Path], None]:
    def execute(path: Path) -> None:
        with contextlib.closing(sqlite3.connect(path)) as database:
            for statement in statements:
                database.execute(statement)
            database.commit()

    return execute


def leave_a_wal(path: Path) -> None:
    path.with_name(f"{path.name}-wal").write_text("a WAL")


BAD = {
    "damaged": (damage, "SQLite reports|it is damaged"),
    "cut": (cut, "SQLite reports|it is damaged"),
    "text": (replace_by_text, "file is not a database"),
    "another database": (alter("DROP TABLE django_migrations"), "no database of this service"),
    "newer": (
        alter(
            "INSERT INTO django_migrations(app, name, applied)"
            " VALUES ('incidents', '9999_future', '2030-01-01')"
        ),
        "a newer version of the service made it, one with incidents.9999_future",
    ),
    "orphans": (
        alter(
            "INSERT INTO incidents_event(incident_id, kind, at, door, status_from, status_to, comment)"
            " VALUES (77, 'created', '2025-01-01', 'post', '', 'open', '')"
        ),
        "it has references to missing rows: incidents_event row [0-9]+",
    ),
    "in use": (leave_a_wal, "a database in use, not a backup"),
}


@on_sqlite
@pytest.mark.parametrize("kind", BAD)
def test_a_bad_backup_is_refused_by_check_and_restore(kind: str, live: Path, backup: Path) -> None:
    damage_it, reason = BAD[kind]
    damage_it(backup)
    with pytest.raises(CommandError, match=reason):
        run("restore", "--check", backup)
    if kind != "in use":
        with pytest.raises(CommandError, match=reason):
            run("restore", backup)
        assert users(live) == ["first"]
        assert not list(live.parent.glob("*replaced*"))


@on_sqlite
def test_a_restore_replaces_the_database_and_keeps_the_replaced_one(live: Path, backup: Path) -> None:
    add_user(live, "after")
    output = run("restore", backup)
    [kept] = live.parent.glob("incidents-replaced-*.sqlite3")
    assert str(kept) in output
    assert users(live) == ["first"]
    assert users(kept) == ["first", "after"]
    assert stat.S_IMODE(live.stat().st_mode) == 0o600
    assert journal_mode(live) == "wal"
    assert not list(live.parent.glob("*.draft*"))


@on_sqlite
def test_a_restore_ends_the_cursors_of_the_feed(live: Path) -> None:
    with contextlib.closing(sqlite3.connect(live)) as database:
        database.execute(
            "INSERT INTO feed_state (epoch, prunes, pruned_through) VALUES ('0011223344556677', 0, 0)"
        )
        database.commit()
    run("backup")
    [path] = backups(live.parent / "backups")
    run("restore", path)
    with contextlib.closing(sqlite3.connect(live)) as database:
        assert database.execute("SELECT * FROM feed_state").fetchall() == []


def journal_mode(path: Path) -> str:
    with contextlib.closing(sqlite3.connect(path)) as database:
        return str(database.execute("PRAGMA journal_mode").fetchone()[0])


@on_sqlite
def test_a_restore_replaces_a_damaged_database(live: Path, backup: Path) -> None:
    replace_by_text(live)
    live.with_name(f"{live.name}-wal").write_bytes(b"its WAL")
    run("restore", backup)
    [kept] = live.parent.glob("incidents-replaced-*.sqlite3")
    assert kept.read_text().startswith("no database at all")
    assert kept.with_name(f"{kept.name}-wal").read_bytes() == b"its WAL"
    assert users(live) == ["first"]


@on_sqlite
def test_a_restore_works_without_a_database(live: Path, backup: Path) -> None:
    live.unlink()
    run("restore", backup)
    assert users(live) == ["first"]


@on_sqlite
def test_a_restore_refuses_while_another_connection_uses_the_database(live: Path, backup: Path) -> None:
    with contextlib.closing(sqlite3.connect(live)) as other:
        other.execute("SELECT 1 FROM users_user").fetchall()
        with pytest.raises(CommandError, match="another program uses"):
            run("restore", backup)
    assert not list(live.parent.glob("*replaced*"))


@on_sqlite
def test_a_restore_refuses_while_the_service_runs(live: Path, backup: Path) -> None:
    lock = locks.hold_running_lock(live.parent)
    try:
        with pytest.raises(CommandError, match="the service runs: stop it first"):
            run("restore", backup)
    finally:
        os.close(lock)
    run("restore", backup)


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="There is no file"):
        run("restore", tmp_path / "nothing.sqlite3")
