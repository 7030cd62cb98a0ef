"""PostgreSQL's sequences of ids."""

from django.db import connection
from django.db.models import Model


def reserve_ids_up_to(largest: int, model: type[Model]) -> None:
    """See that ids up to `largest`, about to be stored as they are, are not handed out later."""
    if connection.vendor != "postgresql":
        return  # SQLite looks at the rows themselves.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(sequence, %s)"
            " FROM (SELECT pg_get_serial_sequence(%s, 'id')::regclass AS sequence) AS the"
            " WHERE coalesce(pg_sequence_last_value(sequence), 0) < %s",
            [largest, model._meta.db_table, largest],
        )
