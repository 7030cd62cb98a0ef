"""SQLite's backend: its library, its writers, its time limit."""

import datetime as dt
import fcntl
import importlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest
from django.conf import settings as running
from django.contrib.auth.signals import user_logged_in
from django.db import OperationalError, connection, transaction
from django.test import Client
from pytest_django import Settings

from common import locks
from common.db.sqlite.library import sqlite3
from users import tokens
from users.models import User

pytestmark = [
    pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's own"),
    pytest.mark.django_db(transaction=True),
]


def lock_file() -> IO[str]:
    return Path(connection.settings_dict["NAME"]).with_name(".write.lock").open("w")


def test_the_backend_and_the_backups_stand_on_the_same_library() -> None:
    assert connection.get_database_version() == sqlite3.sqlite_version_info
    assert connection.Database.sqlite_version == sqlite3.sqlite_version  # type: ignore[attr-defined]


def test_the_standard_module_stays_what_it_is() -> None:
    assert importlib.import_module("sqlite3").__name__ == "sqlite3"


def test_the_log_that_a_long_reader_made_large_shrinks_again() -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_size_limit")
        assert cursor.fetchone() == (6 * 1024 * 1024,)


def test_a_connection_keeps_half_a_megabyte_of_pages() -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA cache_size")
        assert cursor.fetchone() == (-512,)


def test_a_schema_change_may_have_a_default_of_any_type() -> None:
    with connection.schema_editor() as editor:
        noon = dt.datetime(2025, 11, 11, 12, 0)  # noqa: DTZ001
        assert editor.quote_value(noon) == "'2025-11-11 12:00:00'"


def test_without_the_data_folder_it_says_what_to_do(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "manage.py", "export"],
        env=os.environ | {"DATABASE_URL": "", "DATA_DIR": str(tmp_path / "data")},
        cwd=running.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 1
    [line] = ended.stderr.splitlines()
    assert "manage.py serve" in line
    assert not (tmp_path / "data").exists()


# ------------------------------------------------------------------ writers


@pytest.fixture
def other_process_writes(settings: Settings) -> Iterator[None]:
    """Another process holds the write lock, and does not end."""
    settings.BUSY_SECONDS = 0.1
    with lock_file() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def test_the_waits_of_a_writer_have_one_end(settings: Settings) -> None:
    settings.BUSY_SECONDS = 1
    begun, done = threading.Event(), threading.Event()

    def write_for_a_while() -> None:
        with transaction.atomic():
            begun.set()
            done.wait()
        connection.close()

    writer = threading.Thread(target=write_for_a_while)
    writer.start()
    begun.wait()
    threading.Timer(0.7, done.set).start()
    with lock_file() as file:
        threading.Timer(0.8, fcntl.flock, [file, fcntl.LOCK_EX]).start()
        started = time.monotonic()
        writer.join()
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(OperationalError, match="timed out"), transaction.atomic():
            pass
        assert time.monotonic() - started < 2.2


def log_out() -> None:
    tokens.revoke("inc_" + "a" * 43)


def save_session() -> None:
    browser = Client()
    session = browser.session
    session["language"] = "ru"
    session.save()


def make_user() -> None:
    User.objects.create_user("somebody", password="a password of some length")  # as an import does


def delete_users() -> None:
    User.objects.all().delete()


def set_last_login() -> None:
    user_logged_in.send(User, user=User.objects.get())


@pytest.mark.parametrize("write", [log_out, save_session, make_user, delete_users, set_last_login])
def test_every_write_waits_for_the_write_lock(
    olga: User, other_process_writes: None, write: Callable[[], Any]
) -> None:
    with pytest.raises(OperationalError, match="another process"):
        write()


def test_a_form_of_the_administration_waits_for_the_write_lock(
    admin_browser: Client, olga: User, settings: Settings
) -> None:
    settings.BUSY_SECONDS = 0.1
    admin_browser.raise_request_exception = False
    with lock_file() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        reply = admin_browser.post(f"/admin/users/user/{olga.pk}/change/", {"username": "olga"})
    assert reply.status_code == 503


@pytest.mark.parametrize("end", [lambda: None, lambda: transaction.set_rollback(True), connection.close])
def test_the_write_lock_is_free_when_a_transaction_has_ended(end: Callable[[], None]) -> None:
    with lock_file() as file:
        with pytest.raises(BlockingIOError), transaction.atomic():
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with transaction.atomic():
            end()
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_transaction_that_sqlite_refuses_gives_the_write_lock_back(settings: Settings) -> None:
    other: Any = connection.copy("other")
    try:
        with connection.cursor() as ours, other.cursor() as theirs:
            ours.execute("PRAGMA busy_timeout = 0")
            theirs.execute("BEGIN IMMEDIATE")
            with pytest.raises(OperationalError, match="locked"), transaction.atomic():
                pass
            with lock_file() as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        other.close()
        connection.close()


def test_waiting_writers_leave_threads_to_those_who_read(tmp_path: Path) -> None:
    lock = locks.WriteLock(tmp_path)
    lock.acquire(5)
    waited: list[float] = []

    def wait(seconds: float) -> None:
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            lock.acquire(seconds)
        waited.append(time.monotonic() - started)

    threads = [threading.Thread(target=wait, args=[2]) for _writer in range(5)]
    for thread in threads:
        thread.start()
        time.sleep(0.01)
    for thread in threads:
        thread.join()
    assert [second > 1.9 for second in waited] == [False] * 4 + [True]
    assert max(waited[:4]) < 0.9
    lock.release()
    lock.acquire(0)
    lock.release()


SLOW_DELETE = (
    "DELETE FROM django_migrations WHERE (WITH RECURSIVE n(i) AS"
    " (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT count(*) FROM n) < 0"
)


def test_the_wait_for_the_write_lock_is_no_part_of_a_statements_time() -> None:
    connection.ensure_connection()
    connection.connection.limit_statements(1)
    try:
        with lock_file() as file, connection.cursor() as cursor:
            fcntl.flock(file, fcntl.LOCK_EX)
            threading.Timer(1.2, fcntl.flock, [file, fcntl.LOCK_UN]).start()
            cursor.execute(SLOW_DELETE)
    finally:
        connection.close()
