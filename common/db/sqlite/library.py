"""The SQLite library: one without the WAL-reset bug, which can corrupt a database (sqlite.org/wal.html).

from common.db.sqlite.library import sqlite3
"""

import contextlib
import importlib
import sqlite3 as pythons_own
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

FIXED = (3, 51, 3)
# The most columns and variables of a statement: Python's numbers for the two limits, and SQLite's defaults.
LIMITS = {"SQLITE_LIMIT_COLUMN": (2, 2000), "SQLITE_LIMIT_VARIABLE_NUMBER": (9, 32766)}


def choose() -> Any:
    """Return the pysqlite3 wheel's module where the library of Python's own has the bug."""
    if pythons_own.sqlite_version_info >= FIXED:
        return pythons_own
    try:
        wheel = importlib.import_module("pysqlite3")
    except ImportError:
        return pythons_own  # The system check config.W001 tells the administrator.
    for name, (number, _) in LIMITS.items():
        # Django 6.1 asks for them; the wheel follows an older Python, which had none.
        setattr(wheel, name, number)
    return wheel


if TYPE_CHECKING:
    import sqlite3 as sqlite3  # noqa: PLC0414  # exported
else:
    sqlite3 = choose()


@contextlib.contextmanager
def imported_as_sqlite3() -> Iterator[None]:
    """Let what is imported in the block, Django's SQLite backend, find the chosen library as `sqlite3`."""
    names = {"sqlite3": sqlite3, "sqlite3.dbapi2": sqlite3.dbapi2}
    before = {name: sys.modules[name] for name in names if name in sys.modules}
    sys.modules.update(names)
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]
        sys.modules.update(before)
