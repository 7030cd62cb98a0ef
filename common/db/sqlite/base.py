"""Django's SQLite backend on a sound library, with fair writers and a time limit for each statement.

- It stands on the library that `common.db.sqlite.library` chooses.
- SQLite's own waiting is unfair: under load one process goes on while another waits for seconds. Here each
  transaction takes a lock of the machine before SQLite's, so that writers take turns (docs/decisions/0004).
- `connection.connection.limit_statements(seconds)` interrupts a statement that runs longer.
"""

import contextlib
import functools
import importlib
import math
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import OperationalError

from common.db import group_commit
from common.db.sqlite.library import LIMITS, imported_as_sqlite3, sqlite3
from common.locks import WriteLock

with imported_as_sqlite3():
    djangos: Any = importlib.import_module("django.db.backends.sqlite3.base")

# How many of its instructions SQLite runs between two looks at the clock: about half a millisecond.
INSTRUCTIONS_BETWEEN_LOOKS = 10_000
execute = sqlite3.Connection.execute
WRITES = ("INSERT ", "UPDATE ", "DELETE ", "REPLACE ")
ANYWAY = contextlib.nullcontext()


class Deadline:
    """When the statement that a connection runs has to end, by `time.monotonic`."""

    at = math.inf

    def is_over(self) -> bool:
        return time.monotonic() > self.at


class Connection(sqlite3.Connection):
    seconds = math.inf

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.deadline = Deadline()

    def limit_statements(self, seconds: float) -> None:
        """Interrupt each statement that takes longer, by SQLite's error "interrupted"."""
        self.seconds = seconds
        self.set_progress_handler(self.deadline.is_over, INSTRUCTIONS_BETWEEN_LOOKS)

    def start_clock(self) -> None:
        self.deadline.at = time.monotonic() + self.seconds

    def execute(self, statement: str, values: Any = ()) -> Any:
        self.deadline.at = time.monotonic() + self.seconds
        return execute(self, statement, values)

    if not hasattr(sqlite3.Connection, "getlimit"):

        def getlimit(self, category: int) -> int:
            """Say what Django 6.1 asks for and the wheel lacks."""
            return dict(LIMITS.values())[category]


class Cursor(djangos.SQLiteCursorWrapper):  # type: ignore[misc]  # Django's types do not know all of it
    database: "DatabaseWrapper"

    def execute(self, query: str, params: Sequence[Any] | Mapping[str, Any] | None = None) -> Any:
        with self.database.writing(query):
            self.connection.start_clock()
            return super().execute(query, params)

    def executemany(self, query: str, param_list: Iterable[Any]) -> Any:
        with self.database.writing(query):
            self.connection.start_clock()
            return super().executemany(query, param_list)


class SchemaEditor(djangos.DatabaseSchemaEditor):  # type: ignore[misc]
    def quote_value(self, value: Any) -> str:
        with imported_as_sqlite3():  # Django imports it only in this method.
            return str(super().quote_value(value))


class DatabaseWrapper(djangos.DatabaseWrapper):  # type: ignore[misc]
    SchemaEditorClass = SchemaEditor
    held_lock: WriteLock | None = None

    def get_connection_params(self) -> dict[str, Any]:
        return {**super().get_connection_params(), "factory": Connection}

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        folder = Path(self.settings_dict["NAME"]).parent
        if not self.is_in_memory_db() and not folder.is_dir():
            raise OperationalError(
                f"there is no folder {folder}; `manage.py serve` makes it at the first start"
            )
        connection = super().get_new_connection(conn_params)
        if sys.platform == "darwin":
            # There fsync leaves the data in the drive's own memory (sqlite.org/pragma.html#pragma_fullfsync).
            connection.execute("PRAGMA fullfsync = ON")
            connection.execute("PRAGMA checkpoint_fullfsync = ON")
        return connection

    def create_cursor(self, name: str | None = None) -> Any:
        cursor = self.connection.cursor(factory=Cursor)
        cursor.database = self
        return cursor

    def writing(self, query: str) -> contextlib.AbstractContextManager[None]:
        """Hold the write lock for a statement that writes in a transaction of its own."""
        if not query.startswith(WRITES) or self.connection.in_transaction:
            return ANYWAY
        return self.write_lock()

    @contextlib.contextmanager
    def write_lock(self) -> Iterator[None]:
        self.take_write_lock()
        try:
            yield
        finally:
            self.release_write_lock()

    def _start_transaction_under_autocommit(self) -> None:
        self.take_write_lock()
        # What it reads may be of others' transactions that the disk does not hold yet.
        group_commit.mark_dependent_read()
        try:
            super()._start_transaction_under_autocommit()
        except BaseException:
            self.release_write_lock()
            raise

    def _commit(self) -> None:
        # A commit that fails leaves the transaction open: then Django rolls back.
        super()._commit()
        self.release_write_lock()

    def _rollback(self) -> None:
        try:
            super()._rollback()
        finally:
            self.release_write_lock()

    def _close(self) -> None:
        try:
            super()._close()
        finally:
            self.release_write_lock()

    def take_write_lock(self) -> None:
        if self.is_in_memory_db():
            return
        if group_commit.sync_failed():
            raise OperationalError("the disk failed to sync, and the database is not recovered yet")
        lock = write_lock_of(self.settings_dict["NAME"])
        try:
            lock.acquire(settings.BUSY_SECONDS)
        except TimeoutError as error:
            raise OperationalError(str(error)) from None
        self.held_lock = lock

    def release_write_lock(self) -> None:
        lock, self.held_lock = self.held_lock, None
        if lock:
            lock.release()


@functools.cache
def write_lock_of(database: str | Path) -> WriteLock:
    return WriteLock(Path(database).parent)


# A fork with the file of its parent would hold the lock whenever its parent does.
os.register_at_fork(after_in_child=write_lock_of.cache_clear)
