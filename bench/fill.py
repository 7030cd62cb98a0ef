"""Fill the service's database in DATA_DIR and print a token: `python -m bench.fill FIRST LAST`.

Makes the incidents FIRST to LAST, each with the events that it would have.
"""

import os
import sys
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

import django
from django.core.management import call_command
from django.db import connection, transaction

from bench.dataset import Record, records
from bench.workloads import PASSWORD, USERNAME

BATCH = 50_000


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    django.setup()
    first, last = int(sys.argv[1]), int(sys.argv[2])
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode=WAL")
    call_command("migrate", verbosity=0)
    user = bench_user()
    rows = records(first, last)
    while batch := list(islice(rows, BATCH)):
        with transaction.atomic():
            insert(batch, user.pk)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    from users import tokens

    print(tokens.issue(user, lifetime=timedelta(days=1), name="bench").secret)


def bench_user() -> Any:
    from users.models import User

    found = User.objects.filter(username=USERNAME).first()
    return found or User.objects.create_user(USERNAME, password=PASSWORD)


def insert(batch: list[Record], user_id: int) -> None:
    from incidents.models import Event, Incident

    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {Incident._meta.db_table} (id, description, search_text, status, source,"
            f" created_at, updated_at, created_by_id) VALUES (%s, %s, %s, %s, %s, %s, %s, {user_id})",
            [(pk, text, text, status, source, at, at) for pk, text, status, source, at in batch],
        )
        cursor.executemany(
            f"INSERT INTO {Event._meta.db_table} (incident_id, kind, at, by_id, door, status_from, status_to,"
            f" comment) VALUES (%s, %s, %s, {user_id}, 'post', %s, %s, '')",
            [event for row in batch for event in events(row)],
        )


def events(row: Record) -> Iterator[tuple[Any, ...]]:
    yield row.id, "created", row.created_at, "", "open"
    if row.status != "open":
        yield row.id, "status_changed", row.created_at, "open", row.status


if __name__ == "__main__":
    main()
