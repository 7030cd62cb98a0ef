"""The first start: one process at a time sets the database up, in one transaction."""

import contextlib
import time
from collections.abc import Iterator

from django.conf import settings
from django.db import Error, connection, transaction

from common import locks
from common.db import group_commit
from common.db.errors import is_transient

MAX_START_SECONDS = 30
SETUP_LOCK_ID = 0x1AC1DE27


@contextlib.contextmanager
def exclusive_setup() -> Iterator[None]:
    """Hold the right to set the database up, waiting while another process does it, on any machine.

    First all that a failed sync has left is recovered: before that nothing may be written.
    """
    with locks.exclusive(settings.DATA_DIR, "first_run"):
        with connection.wrap_database_errors:
            group_commit.recover()
        wait_until_reachable()
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                # Kept in the file itself; set for each connection it would race at the first start.
                cursor.execute("PRAGMA journal_mode=WAL")
            else:
                # Migrations may wait for a lock as long as it takes.
                cursor.execute("SET lock_timeout = 0")
                cursor.execute("SELECT pg_advisory_lock(%s)", [SETUP_LOCK_ID])
        yield
        # This frees PostgreSQL's lock; and no connection may be shared by a fork.
        connection.close()


@contextlib.contextmanager
def single_transaction() -> Iterator[None]:
    """Open one transaction for all migrations.

    Django stores a migration and then writes down that it did: killed in between, it could never go on.
    """
    # SQLite's schema editor asks for this, and within a transaction it is too late.
    connection.disable_constraint_checking()
    try:
        with transaction.atomic():
            yield
    finally:
        connection.enable_constraint_checking()


def wait_until_reachable() -> None:
    deadline = time.monotonic() + MAX_START_SECONDS
    while True:
        try:
            return connection.ensure_connection()
        except Error as error:
            if not is_transient(error) or time.monotonic() > deadline:
                raise
            connection.close()
            time.sleep(0.5)
