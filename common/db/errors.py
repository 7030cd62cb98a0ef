"""Which database errors are transient."""

from django.db import Error, InterfaceError, OperationalError

RETRY_AFTER = {"Retry-After": "1"}
# SQLite's BUSY, LOCKED, INTERRUPT, IOERR, FULL, CANTOPEN and PROTOCOL (sqlite.org/rescode.html).
TRANSIENT_CODES = {5, 6, 9, 10, 13, 14, 15}


def is_transient(error: Error) -> bool:
    """Tell whether `error` passes by itself: the database is busy, full, restarting or not reached."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    # SQLite reports a missing table, or a file that it may not write, by the same exception.
    code = getattr(error.__cause__, "sqlite_errorcode", None)
    return code is None or code & 0xFF in TRANSIENT_CODES
