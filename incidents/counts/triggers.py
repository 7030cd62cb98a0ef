"""The triggers by which the database keeps IncidentCount; the migration 0002 creates them.

SQLite has a row for each status and source, and one writer at a time. PostgreSQL's writers would wait for
each other at such a row, and could deadlock; there each adds a row with what it changes, and one in a
thousand merges them.

They are bypassed by TRUNCATE on PostgreSQL and by REPLACE on SQLite; and a migration that has SQLite make the
table of incidents anew loses them, so it has to create them again. `manage.py recount` does.
"""

from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, register
from django.db import connection

from incidents.models import Incident, IncidentCount

CHANGED = "OLD.status <> NEW.status OR OLD.source <> NEW.source"
ONE_LESS = (
    "UPDATE incidents_incidentcount SET number = number - 1"
    " WHERE status = OLD.status AND source = OLD.source;"
)
ONE_MORE = (
    "UPDATE incidents_incidentcount SET number = number + 1"
    " WHERE status = NEW.status AND source = NEW.source;"
    " INSERT INTO incidents_incidentcount (status, source, number)"
    " SELECT NEW.status, NEW.source, 1 WHERE changes() = 0;"
)
NAMES = {
    "sqlite": {"incident_added", "incident_removed", "incident_changed"},
    "postgresql": {"incident_added_or_removed", "incident_changed"},
}
ON_SQLITE = (
    f"CREATE TRIGGER incident_added AFTER INSERT ON incidents_incident BEGIN {ONE_MORE} END",
    f"CREATE TRIGGER incident_removed AFTER DELETE ON incidents_incident BEGIN {ONE_LESS} END",
    f"""
    CREATE TRIGGER incident_changed AFTER UPDATE OF status, source ON incidents_incident WHEN {CHANGED}
    BEGIN {ONE_LESS} {ONE_MORE} END
    """,
)
ON_POSTGRESQL = (
    """
    CREATE OR REPLACE FUNCTION keep_incident_counts() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP <> 'INSERT' THEN
            INSERT INTO incidents_incidentcount (status, source, number) VALUES (OLD.status, OLD.source, -1);
        END IF;
        IF TG_OP <> 'DELETE' THEN
            INSERT INTO incidents_incidentcount (status, source, number) VALUES (NEW.status, NEW.source, 1);
        END IF;
        IF random() < 0.001 THEN
            WITH taken AS (
                DELETE FROM incidents_incidentcount
                WHERE id IN (SELECT id FROM incidents_incidentcount FOR UPDATE SKIP LOCKED)
                RETURNING status, source, number
            )
            INSERT INTO incidents_incidentcount (status, source, number)
            SELECT status, source, sum(number) FROM taken GROUP BY status, source HAVING sum(number) <> 0;
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER incident_added_or_removed AFTER INSERT OR DELETE ON incidents_incident
    FOR EACH ROW EXECUTE FUNCTION keep_incident_counts()
    """,
    f"""
    CREATE TRIGGER incident_changed AFTER UPDATE OF status, source ON incidents_incident
    FOR EACH ROW WHEN ({CHANGED}) EXECUTE FUNCTION keep_incident_counts()
    """,
)
COUNT_ALL = (
    "INSERT INTO incidents_incidentcount (status, source, number)"
    " SELECT status, source, count(*) FROM incidents_incident GROUP BY status, source"
)


def create_all() -> None:
    """Create the triggers, also where they exist, and count what is there."""
    table = Incident._meta.db_table
    on_table = "" if connection.vendor == "sqlite" else f" ON {table}"
    with connection.cursor() as cursor:
        for name in sorted(NAMES[connection.vendor]):
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{on_table}")
        for statement in ON_SQLITE if connection.vendor == "sqlite" else ON_POSTGRESQL:
            cursor.execute(statement)
        IncidentCount.objects.all().delete()
        cursor.execute(COUNT_ALL)


def missing() -> set[str]:
    """Return the names of the triggers that are not there; none are needed before the table of counts is."""
    with connection.cursor() as cursor:
        if IncidentCount._meta.db_table not in connection.introspection.table_names(cursor):
            return set()
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        else:
            cursor.execute(
                "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass", [Incident._meta.db_table]
            )
        return NAMES[connection.vendor] - {name for (name,) in cursor.fetchall()}


@register(checks.Tags.database)
def triggers_exist(**options: Any) -> list[CheckMessage]:
    names = missing() if options["databases"] else set()
    if not names:
        return []
    return [
        checks.Error(
            f"The database lacks the triggers that count incidents: {', '.join(sorted(names))}.",
            hint="`manage.py recount` creates them and counts anew.",
            id="incidents.E001",
        )
    ]
