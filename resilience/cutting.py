"""First runs cut at every migration and run again, in a process of its own that `cuts` starts.

Each cut is a fork that kills itself with -9 just before, or just after, a migration is written down as done.
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

from operations.gunicorn_app import Server


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    django.setup()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    for number in itertools.count(1):
        for when in ("before", "after"):
            forked(fresh)
            start_anew(number, when)
            if not forked(lambda: cut_run(number, when)):  # noqa: B023  # called at once
                return
            ended = forked(first_run)
            print(f"{number} {when}: {'badly' if ended else 'well'}", flush=True)


def forked(act: Callable[[], object]) -> int:
    """Do it in a fork and return how that ended, 0 if well."""
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


def fresh() -> None:
    """Empty the database."""
    if connection.vendor == "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE")
        cursor.execute("CREATE SCHEMA public")


def start_anew(number: int, when: str) -> None:
    if connection.vendor == "sqlite":
        connection.settings_dict["NAME"] = str(Path(settings.DATA_DIR) / f"{number}-{when}.sqlite3")


def first_run() -> None:
    """Do all that `manage.py serve` does before it becomes gunicorn."""
    Server.run = lambda _server: None
    call_command("serve")


def cut_run(number: int, when: str) -> None:
    seen = itertools.count(1)
    record = MigrationRecorder.record_applied

    def cut(self: MigrationRecorder, app: str, name: str) -> None:
        is_here = next(seen) == number
        if is_here and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        record(self, app, name)
        if is_here:
            os.kill(os.getpid(), signal.SIGKILL)

    MigrationRecorder.record_applied = cut  # type: ignore[method-assign]
    first_run()


if __name__ == "__main__":
    main()
