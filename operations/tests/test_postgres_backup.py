"""Backup and restore of PostgreSQL, with its own programs on databases of the test server."""

import contextlib
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from operations.backups import postgres
from operations.backups.manifest import BackupError
from testing.service import PASSWORD, served

on_postgres = pytest.mark.skipif(not settings.DATABASE_URL, reason="PostgreSQL's own")

ADD_USER = (
    "INSERT INTO users_user(password, is_superuser, username, first_name, last_name, email, is_staff,"
    " is_active, date_joined, role) VALUES (%s, false, %s, '', '', '', false, true, '2025-01-01', 'operator')"
)
ADD_INCIDENT = (
    "INSERT INTO incidents_incident(description, search_text, status, source, created_at, updated_at)"
    " VALUES (%s, '', 'open', 'operator', '2025-01-01', '2025-01-01') RETURNING id"
)
ADD_EVENT = (
    "INSERT INTO incidents_event(incident_id, kind, at, door, status_from, status_to, comment)"
    " VALUES (%s, 'created', '2025-01-01', 'post', '', 'open', '')"
)
NEWER_VERSION = """
    CREATE TABLE newer (id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users_user);
    INSERT INTO newer SELECT id, id FROM users_user;
    CREATE SEQUENCE newer_number;
    CREATE FUNCTION newer_check() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER newer_check AFTER INSERT ON incidents_incident FOR EACH ROW EXECUTE FUNCTION newer_check();
    CREATE VIEW newer_open AS SELECT id FROM incidents_incident WHERE status = 'open';
    CREATE MATERIALIZED VIEW newer_count AS SELECT count(*) FROM newer_open;
"""


@pytest.fixture
def server() -> Iterator[psycopg.Connection]:
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as connection:
        yield connection


@pytest.fixture
def url(server: psycopg.Connection) -> Iterator[str]:
    """The address of an empty database whose owner may do no more than own it."""
    name = f"restored_{secrets.token_hex(4)}"
    host = settings.DATABASE_URL.partition("@")[2].rpartition("/")[0]
    server.execute(f"CREATE ROLE {name} LOGIN")
    server.execute(f"CREATE DATABASE {name} OWNER {name}")
    yield f"postgresql://{name}@{host}/{name}"
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    server.execute(f"DROP ROLE {name}")


@contextlib.contextmanager
def as_superuser(url: str) -> Iterator[psycopg.Connection]:
    """Connect to the database at `url` as the server's superuser."""
    name = url.rpartition("/")[2]
    with psycopg.connect(f"{settings.DATABASE_URL.rpartition('/')[0]}/{name}") as connection:
        yield connection


def manage(url: str, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        env=os.environ | {"DATABASE_URL": url},
        cwd=settings.BASE_DIR,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def add_incident(url: str, description: str) -> None:
    with psycopg.connect(url) as connection:
        [incident] = connection.execute(ADD_INCIDENT, [description]).fetchall()
        connection.execute(ADD_EVENT, incident)


def incidents(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT description FROM incidents_incident ORDER BY id").fetchall()
    return [description for (description,) in rows]


def relations(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " UNION SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        ).fetchall()
    return {name for (name,) in rows}


@pytest.fixture
def dump(url: str, tmp_path: Path) -> Path:
    """A backup of the database at `url` with one incident, at the first migration of each app."""
    manage(url, "migrate", "users", "0001_initial")
    manage(url, "migrate", "incidents", "0001_initial")
    with psycopg.connect(url) as connection:
        connection.execute(ADD_USER, [PBKDF2PasswordHasher().encode(PASSWORD, "salt", 1), "olga"])
    add_incident(url, "before the backup")
    path = tmp_path / "incidents.dump"
    postgres.back_up(url, path)
    return path


@on_postgres
def test_an_older_backup_replaces_a_newer_database_and_the_start_brings_it_up_to_date(
    url: str, dump: Path, tmp_path: Path
) -> None:
    manage(url, "migrate")
    add_incident(url, "after the backup")
    with psycopg.connect(url) as connection:
        connection.execute(NEWER_VERSION)

    output = manage(url, "restore", str(dump))

    replaced = Path(output.rpartition("The replaced database is kept: ")[2].strip())
    assert "CREATE TABLE public.newer" in postgres.run("pg_restore", "--file=-", str(replaced))
    assert incidents(url) == ["before the backup"]
    assert not {name for name in relations(url) if name.startswith("newer")}
    with served(DATABASE_URL=url, DATA_DIR=str(tmp_path / "data")) as service:
        login = {"username": "olga", "password": PASSWORD}
        token = service.post("/users/authorization/", **login).json()["data"]["token"]
        service.post("/incidents/create/", token=token, incident="after the restore", source="operator")
        listed = service.post("/incidents/get_all/", token=token).json()["data"]["incidents"]
    assert [item["incident"] for item in listed] == ["after the restore", "before the backup"]
    with psycopg.connect(url) as connection:
        [counted] = connection.execute("SELECT sum(number) FROM incidents_incidentcount").fetchall()
        assert counted == (2,)
        assert connection.execute("SELECT count(*) FROM incidents_event").fetchall() == [(2,)]


@on_postgres
def test_a_restore_ends_the_cursors_of_the_feed(url: str, tmp_path: Path) -> None:
    manage(url, "migrate")
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO feed_state (epoch, prunes, pruned_through) VALUES ('0011223344556677', 0, 0)"
        )
    dump = tmp_path / "incidents.dump"
    postgres.back_up(url, dump)
    manage(url, "restore", str(dump))
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT * FROM feed_state").fetchall() == []


@on_postgres
def test_a_dump_is_checked_and_a_truncated_one_refused(url: str, dump: Path) -> None:
    assert ("incidents", "0001_initial") in postgres.check(dump).migrations
    os.truncate(dump, dump.stat().st_size // 2)
    with pytest.raises(BackupError, match="pg_restore reports"):
        postgres.restore(dump, url)
    assert incidents(url) == ["before the backup"]


@on_postgres
def test_an_empty_database_is_restored_into(url: str, dump: Path) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    postgres.restore(dump, url)
    assert incidents(url) == ["before the backup"]


@on_postgres
def test_a_restore_that_fails_changes_nothing(url: str, tmp_path: Path) -> None:
    manage(url, "migrate")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE SCHEMA elsewhere CREATE TABLE kind (name text)")
        connection.execute("CREATE TABLE uses_another_schema (kind elsewhere.kind)")
    add_incident(url, "before the backup")
    dump = tmp_path / "incidents.dump"
    postgres.back_up(url, dump)
    with psycopg.connect(url) as connection:
        connection.execute("DROP SCHEMA elsewhere CASCADE")
    add_incident(url, "after the backup")
    before = relations(url)

    with pytest.raises(BackupError, match=r'psql reports: .*"elsewhere" does not exist'):
        postgres.restore(dump, url)

    assert relations(url) == before
    assert incidents(url) == ["before the backup", "after the backup"]


@on_postgres
def test_a_dump_that_cannot_be_read_to_its_end_changes_nothing(
    url: str, dump: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_incident(url, "after the backup")
    real = shutil.which("pg_restore")
    program = tmp_path / "bin" / "pg_restore"
    program.parent.mkdir()
    # The check reads all of the dump; the restore afterwards fails behind its first table.
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *--schema*) {real} "$@" | head -c 5000; exit 1;; esac\nexec {real} "$@"\n'
    )
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    with pytest.raises(BackupError, match="pg_restore reports"):
        postgres.restore(dump, url)

    assert incidents(url) == ["before the backup", "after the backup"]


@on_postgres
def test_a_dump_of_another_schema_changes_nothing(server: psycopg.Connection, url: str, dump: Path) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE SCHEMA other")
        connection.execute("CREATE TABLE other.keep ()")
    with pytest.raises(BackupError, match=r'"other\.django_migrations" does not exist'):
        postgres.restore(dump, f"{url}?options=-csearch_path%3Dother")
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT FROM other.keep").fetchall() == []
    assert incidents(url) == ["before the backup"]


@on_postgres
def test_a_restore_refuses_while_another_connection_uses_the_database(url: str, dump: Path) -> None:
    add_incident(url, "after the backup")
    with (
        as_superuser(url),
        pytest.raises(BackupError, match=r"1 other connections .* stop the service first"),
    ):
        postgres.restore(dump, url)
    assert incidents(url) == ["before the backup", "after the backup"]


@on_postgres
def test_extensions_default_privileges_and_what_others_own_stay(
    server: psycopg.Connection, url: str, dump: Path
) -> None:
    reader = f"reader_{secrets.token_hex(4)}"
    with as_superuser(url) as connection:
        connection.execute(f"CREATE ROLE {reader}")
        connection.execute("CREATE EXTENSION pg_trgm SCHEMA public")
        connection.execute("CREATE TABLE public.of_another_owner ()")
    with psycopg.connect(url) as connection:
        connection.execute(f"GRANT USAGE ON SCHEMA public TO {reader}")
        connection.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {reader}")

    postgres.restore(dump, url)

    with as_superuser(url) as connection:
        connection.execute(f"SET ROLE {reader}")
        assert connection.execute("SELECT count(*) FROM incidents_incident").fetchall() == [(1,)]
        connection.execute("RESET ROLE")
        assert connection.execute("SELECT similarity('one', 'one')").fetchall() == [(1,)]
        assert connection.execute("SELECT FROM of_another_owner").fetchall() == []
        connection.execute(f"DROP OWNED BY {reader}")
        connection.execute(f"DROP ROLE {reader}")


@on_postgres
def test_a_dump_with_grants_to_a_role_that_is_gone_is_restored(
    server: psycopg.Connection, url: str, tmp_path: Path
) -> None:
    reader = f"reader_{secrets.token_hex(4)}"
    manage(url, "migrate")
    server.execute(f"CREATE ROLE {reader}")
    with psycopg.connect(url) as connection:
        connection.execute(f"GRANT SELECT ON incidents_incident TO {reader}")
    dump = tmp_path / "incidents.dump"
    postgres.back_up(url, dump)
    with as_superuser(url) as connection:
        connection.execute(f"DROP OWNED BY {reader}")
        connection.execute(f"DROP ROLE {reader}")

    postgres.restore(dump, url)

    assert incidents(url) == []


def test_a_missing_program_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackupError, match="pg_dump is not on this machine: install PostgreSQL's client"):
        postgres.back_up("postgresql://nobody@nowhere/nothing", tmp_path / "dump")


def test_the_password_is_not_on_the_command_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    output = tmp_path / "output"
    program = tmp_path / "pg_dump"
    program.write_text(f'#!/bin/sh\necho "$@ PASSWORD=$PGPASSWORD" > {output}\n')
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    postgres.run("pg_dump", url="postgresql://olga:s%40cret@db/incidents")
    assert output.read_text() == "--dbname=user=olga dbname=incidents host=db PASSWORD=s@cret\n"


def test_without_a_password_in_the_url_the_environments_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGPASSWORD", "s@cret")
    output = postgres.run("sh", "-c", 'printf %s "$PGPASSWORD"', url="postgresql://olga@db/incidents")
    assert output == "s@cret"
