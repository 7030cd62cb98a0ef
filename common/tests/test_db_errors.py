"""Which database errors are transient."""

from typing import Any

import pytest
from django.db import Error, connection

from common.db.errors import is_transient
from testing.clients import Post, Rest
from users.models import User

on_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's own")


def failure(sql: str) -> Error:
    with pytest.raises(Error) as caught, connection.cursor() as cursor:
        cursor.execute(sql)
    return caught.value


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("sql", ["SELECT 1 FROM nowhere", "SELECT nothing FROM users_user"])
def test_a_table_or_column_that_is_not_there_does_not_pass_by_itself(sql: str) -> None:
    assert not is_transient(failure(sql))


@on_sqlite
@pytest.mark.django_db(transaction=True)
def test_a_database_that_may_not_be_written_does_not_pass_by_itself() -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA query_only = ON")
    try:
        assert not is_transient(failure("DELETE FROM users_user"))
    finally:
        connection.close()


@on_sqlite
@pytest.mark.django_db(transaction=True)
def test_a_locked_database_passes_by_itself() -> None:
    other: Any = connection.copy("other")
    try:
        with connection.cursor() as ours, other.cursor() as theirs:
            ours.execute("PRAGMA busy_timeout = 0")
            theirs.execute("BEGIN IMMEDIATE")
            assert is_transient(failure("BEGIN IMMEDIATE"))
    finally:
        other.close()
        connection.close()


@on_sqlite
@pytest.mark.django_db(transaction=True)
def test_a_full_disk_passes_by_itself() -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA page_count")
        cursor.execute(f"PRAGMA max_page_count = {cursor.fetchone()[0]}")
        try:
            assert is_transient(failure("CREATE TABLE large AS SELECT zeroblob(10000000)"))
        finally:
            connection.close()


@on_sqlite
@pytest.mark.django_db(transaction=True)
def test_what_does_not_pass_is_an_internal_error_with_its_traceback(
    post: Post, rest: Rest, olga: User, caplog: pytest.LogCaptureFixture
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE incidents_incident RENAME TO elsewhere")
    try:
        assert post("/incidents/get_all/", {}, by=olga).verdict == (500, "Internal error")
        assert rest("GET", "/api/incidents/1/", by=olga).status == 500
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE elsewhere RENAME TO incidents_incident")
    assert [record.levelname for record in caplog.records if record.exc_info] == ["ERROR", "ERROR"]
