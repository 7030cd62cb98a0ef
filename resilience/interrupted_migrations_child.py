"""The process of `interrupted_migrations`: first runs killed at every migration and run again.

Each is a fork that kills itself with -9 just before, or just after, a migration is recorded as applied.
"""

import itertools
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    django.setup()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    for number in itertools.count(1):
        for when in ("before", "after"):
            forked(drop_tables)
            use_new_file(number, when)
            if not forked(lambda: killed_run(number, when)):  # noqa: B023  # called at once
                return
            ended = forked(first_run)
            print(f"{number} {when}: {'failed' if ended else 'ok'}", flush=True)


def forked(act: Callable[[], object]) -> int:
    """Call `act` in a fork and return its wait status, 0 for success."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return os.waitpid(pid, 0)[1]
    try:
        act()
    except BaseException as error:  # noqa: BLE001  # the fork ends here
        print(str(error).splitlines()[0], flush=True)
        os._exit(1)
    os._exit(0)


def drop_tables() -> None:
    """Empty PostgreSQL; on SQLite each run has a file of its own."""
    if connection.vendor == "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE")
        cursor.execute("CREATE SCHEMA public")


def use_new_file(number: int, when: str) -> None:
    if connection.vendor == "sqlite":
        connection.settings_dict["NAME"] = str(Path(settings.DATA_DIR) / f"{number}-{when}.sqlite3")


def first_run() -> None:
    """Do all that `manage.py serve` does before it becomes gunicorn."""
    from operations.gunicorn_app import Server

    Server.run = lambda _server: None  # type: ignore[method-assign, assignment]
    call_command("serve")


def killed_run(number: int, when: str) -> None:
    seen = itertools.count(1)
    record = MigrationRecorder.record_applied

    def record_and_kill(self: MigrationRecorder, app: str, name: str) -> None:
        is_here = next(seen) == number
        if is_here and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        record(self, app, name)
        if is_here:
            os.kill(os.getpid(), signal.SIGKILL)

    MigrationRecorder.record_applied = record_and_kill  # type: ignore[method-assign]
    first_run()


if __name__ == "__main__":
    main()
