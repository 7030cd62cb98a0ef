"""How long one statement of a request may run. The commands of an administrator run without a limit."""

from typing import Any

from django.db.backends.signals import connection_created


def enable(seconds: int) -> None:
    """Interrupt each statement of this process's connections to come that runs longer: a transient error."""

    def limit(connection: Any, **_kwargs: Any) -> None:
        if connection.vendor == "sqlite":
            connection.connection.limit_statements(seconds)
        else:
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, false)", [f"{seconds}s"])

    connection_created.connect(limit, weak=False, dispatch_uid="query_limit")
