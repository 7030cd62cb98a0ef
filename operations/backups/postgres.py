"""Copy, check and replace a PostgreSQL database with PostgreSQL's own programs."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from django.db.migrations.recorder import MigrationRecorder
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from common.db.setup import SETUP_LOCK_ID
from incidents.feed.models import FeedState
from operations.backups.manifest import BackupError, Manifest, require_usable

SUFFIX = ".dump"
MIGRATIONS_TABLE = MigrationRecorder.Migration._meta.db_table

# `pg_restore --clean` would drop only what the dump has, and leave the tables of a newer version.
# DROP SCHEMA would need rights that the owner of a database may lack (up to PostgreSQL 14), and drop
# extensions, grants on the schema and default privileges. Ordered by type, tables go before their sequences.
DROP_OWN_OBJECTS = f"""
\\set VERBOSITY terse
BEGIN;
SET client_min_messages = warning;
SET lock_timeout = '5s';
SELECT pg_advisory_xact_lock({SETUP_LOCK_ID});
DO $$
DECLARE
    object record;
    others bigint;
BEGIN
    SELECT count(*) INTO others FROM pg_stat_activity
    WHERE datname = current_database() AND usesysid IS NOT NULL AND pid <> pg_backend_pid();
    IF others > 0 THEN
        RAISE EXCEPTION '% other connections use the database: stop the service first', others;
    END IF;
    FOR object IN
        SELECT identified.type, identified.identity
        FROM (
            SELECT tableoid, oid, relnamespace AS namespace, relowner AS owner
            FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
            UNION ALL
            SELECT tableoid, oid, pronamespace, proowner FROM pg_proc
        ) AS owned, pg_identify_object(owned.tableoid, owned.oid, 0) AS identified
        WHERE owned.namespace = current_schema()::regnamespace AND owned.owner = current_user::regrole
        AND NOT EXISTS (
            SELECT FROM pg_depend
            WHERE classid = owned.tableoid AND objid = owned.oid AND deptype = 'e'
        )
        ORDER BY identified.type DESC
    LOOP
        EXECUTE format('DROP %s IF EXISTS %s CASCADE', object.type, object.identity);
    END LOOP;
END
$$;
"""  # noqa: S608  # a constant is the only insertion
# Cursors of the replaced database must not be taken for those of the restored one. Older dumps have none.
DELETE_FEED_STATE = f"""
DO $$
BEGIN
    IF to_regclass('"{{schema}}".{FeedState._meta.db_table}') IS NOT NULL THEN
        DELETE FROM "{{schema}}".{FeedState._meta.db_table};
    END IF;
END
$$;
"""  # noqa: S608  # the names are the database's own


def back_up(url: str, draft: Path) -> Manifest:
    """Dump a snapshot of the database, in use or not, and check the dump."""
    run("pg_dump", "--format=custom", f"--file={draft}", url=url)
    return check(draft)


def check(path: Path) -> Manifest:
    """Read the whole dump; raise `BackupError` if it is truncated or not of this service."""
    run("pg_restore", "--file=/dev/null", str(path))
    text = run("pg_restore", "--data-only", f"--table={MIGRATIONS_TABLE}", "--file=-", str(path))
    manifest = Manifest(frozenset(copied_migrations(text)))
    require_usable(manifest)
    return manifest


def copied_migrations(text: str) -> list[tuple[str, str]]:
    """Read the rows (id, app, name, applied) between COPY and its end."""
    _, _, rest = text.partition("\nCOPY ")
    rows, _, _ = rest.partition("\n\\.")
    return [(app, name) for _, app, name, _ in (line.split("\t") for line in rows.splitlines()[1:])]


def restore(backup: Path, url: str) -> None:
    """Replace what the role of `url` owns in its schema by the dump, in one transaction.

    Raises `BackupError`, and then the database is as it was.
    """
    check(backup)
    schema = run("psql", "--no-psqlrc", "-At", "--command=SELECT current_schema()", url=url).strip()
    read = [
        *(program("pg_restore"), "--file=-", f"--schema={schema}"),
        *("--no-owner", "--no-privileges", "--no-comments", str(backup)),
    ]
    command, environment = on_database(
        [program("psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--output=/dev/null"], url
    )
    with tempfile.TemporaryFile() as errors:
        # Unbuffered: what is left in a buffer would fail when it is closed, after psql has ended.
        with subprocess.Popen(
            command, env=environment, bufsize=0, stdin=subprocess.PIPE, stderr=errors
        ) as psql:
            assert psql.stdin  # noqa: S101  # PIPE was asked for
            # psql may have ended with an error of its own, which counts then.
            with contextlib.suppress(BrokenPipeError):
                psql.stdin.write(DROP_OWN_OBJECTS.encode())
                psql.stdin.flush()
                reader = subprocess.run(read, stdout=psql.stdin, stderr=subprocess.PIPE, check=False)
                # Without COMMIT the server rolls everything back.
                if reader.returncode == 0:
                    psql.stdin.write(DELETE_FEED_STATE.format(schema=schema).encode())
                    psql.stdin.write(f'SELECT FROM "{schema}".{MIGRATIONS_TABLE};\nCOMMIT;\n'.encode())
        errors.seek(0)
        if psql.returncode:
            raise BackupError(f"psql reports: {errors.read().decode(errors='replace').strip()}")
        if reader.returncode:
            raise BackupError(f"pg_restore reports: {reader.stderr.decode(errors='replace').strip()}")


def run(name: str, *arguments: str, url: str = "") -> str:
    """Run the program, on the database of `url` if one is given, and return what it prints."""
    command, environment = on_database([program(name), *arguments], url)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BackupError(f"{name} reports: {done.stderr.strip()}")
    return done.stdout


def program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise BackupError(
            f"{name} is not on this machine: install PostgreSQL's client programs (Debian: postgresql-client)"
        )
    return path


def on_database(command: list[str], url: str) -> tuple[list[str], dict[str, str]]:
    """Return the command line and the environment for a program that connects to `url`, if there is one."""
    environment = dict(os.environ)
    if url:
        address = conninfo_to_dict(url)
        # Everybody on the machine can read a command line.
        if password := address.pop("password", None):
            environment["PGPASSWORD"] = str(password)
        command = [*command, f"--dbname={make_conninfo('', **address)}"]
    return command, environment
