"""The SQLite library: one without the WAL-reset bug, which can corrupt a database (sqlite.org/wal.html)."""

import importlib
import sqlite3
import sys

FIXED = (3, 51, 3)


def use_fixed_library() -> None:
    """Stand the pysqlite3 wheel in for Python's own module where that one's library has the bug.

    To be called before Django loads its SQLite backend.
    """
    if sqlite3.sqlite_version_info >= FIXED:
        return
    try:
        fixed = importlib.import_module("pysqlite3")
    except ImportError:
        return  # The system check config.W001 tells the administrator.
    sys.modules["sqlite3"] = fixed
    sys.modules["sqlite3.dbapi2"] = fixed.dbapi2
