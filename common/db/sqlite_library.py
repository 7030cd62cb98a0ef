"""The SQLite library: one without the WAL-reset bug, which can corrupt a database (sqlite.org/wal.html)."""

import importlib
import sqlite3
import sys
from typing import Any

FIXED = (3, 51, 3)
# SQLite's own defaults of the most columns (2) and variables (9) of a statement; pysqlite3 allows more.
LIMITS = {2: 2000, 9: 32766}


def use_fixed_library() -> None:
    """Stand the pysqlite3 wheel in for Python's own module where that one's library has the bug.

    To be called before Django loads its SQLite backend.
    """
    if sqlite3.sqlite_version_info >= FIXED:
        return
    try:
        fixed: Any = importlib.import_module("pysqlite3")
    except ImportError:
        return  # The system check config.W001 tells the administrator.
    if sys.modules["sqlite3"] is fixed:
        return
    if not hasattr(fixed.Connection, "getlimit"):
        give_limits(fixed)
    sys.modules["sqlite3"] = fixed
    sys.modules["sqlite3.dbapi2"] = fixed.dbapi2


def give_limits(module: Any) -> None:
    """Give pysqlite3 what it lacks of Python 3.11's sqlite3, and Django 6.1 asks for: getlimit."""

    class Connection(module.Connection):  # type: ignore[misc]  # known only at run time
        def getlimit(self, category: int) -> int:
            return LIMITS[category]

    def connect(*args: Any, **kwargs: Any) -> Any:
        return module_connect(*args, factory=Connection, **kwargs)

    module_connect = module.dbapi2.connect
    module.dbapi2.SQLITE_LIMIT_COLUMN = module.SQLITE_LIMIT_COLUMN = 2
    module.dbapi2.SQLITE_LIMIT_VARIABLE_NUMBER = module.SQLITE_LIMIT_VARIABLE_NUMBER = 9
    module.dbapi2.connect = module.connect = connect
