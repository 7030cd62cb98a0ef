"""Fill the reference's database in DATA_DIR: `python -m bench.reference.fill ROWS`."""

import os
import sys

import django
from django.core.management import call_command
from django.db import connection, transaction

from bench.dataset import records


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.reference.settings"
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)
    from bench.reference.models import Incident

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {Incident._meta.db_table} (id, description, status, source, created_at, updated_at)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [(*row, row.created_at) for row in records(1, int(sys.argv[1]))],
        )


if __name__ == "__main__":
    main()
