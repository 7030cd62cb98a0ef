"""Copying, checking and replacing a PostgreSQL database by PostgreSQL's own programs."""

import os
import shutil
import subprocess
from pathlib import Path

from django.db import connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from operations.backups.manifest import BackupError, Contents, must_be_usable

SUFFIX = ".dump"


def back_up(url: str, draft: Path) -> Contents:
    """Dump the database, in use or not, as it is at one moment, and check the dump."""
    run("pg_dump", "--format=custom", f"--file={draft}", url=url)
    return check(draft)


def check(path: Path) -> Contents:
    """Read the whole dump; raise `BackupError` if it is cut short or not of this service."""
    run("pg_restore", "--file=/dev/null", str(path))
    text = run("pg_restore", "--data-only", "--table=django_migrations", "--file=-", str(path))
    contents = Contents(frozenset(copied_migrations(text)))
    must_be_usable(contents)
    return contents


def copied_migrations(text: str) -> list[tuple[str, str]]:
    """Read the rows (id, app, name, applied) between COPY and its end."""
    _, _, rest = text.partition("\nCOPY ")
    rows, _, _ = rest.partition("\n\\.")
    return [(app, name) for _, app, name, _ in (line.split("\t") for line in rows.splitlines()[1:])]


def restore(backup: Path, url: str) -> None:
    """Replace what the database holds by what the dump holds, in one transaction."""
    check(backup)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND backend_type = 'client backend'"
        )
        (others,) = cursor.fetchone()
    connection.close()
    if others:
        raise BackupError(f"{others} other connections use the database: stop the service first")
    run(
        "pg_restore", "--clean", "--if-exists", "--no-owner", "--single-transaction", str(backup), url=url
    )  # fmt: skip


def run(program: str, *arguments: str, url: str = "") -> str:
    """Run the program, on the database of `url` if one is given, and return what it prints."""
    path = shutil.which(program)
    if path is None:
        raise BackupError(
            f"{program} is not on this machine: install PostgreSQL's client programs "
            "(Debian: postgresql-client)"
        )
    command = [path, *arguments]
    environment = dict(os.environ)
    if url:
        address = conninfo_to_dict(url)
        # Everybody on the machine can read a command line.
        if password := address.pop("password", None):
            environment["PGPASSWORD"] = str(password)
        command.append(f"--dbname={make_conninfo('', **address)}")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BackupError(f"{program} says: {done.stderr.strip()}")
    return done.stdout
