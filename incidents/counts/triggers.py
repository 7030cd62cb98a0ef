"""The triggers by which the database keeps IncidentCount; migrations create them.

SQLite has a row for each status and source, and one writer at a time. PostgreSQL's writers would wait for
each other at such a row, and could deadlock; there each adds a row with what it changes, and one in a
thousand puts them together.
"""

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# Changed, the words of a row move its one from count to count.
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
    CREATE FUNCTION keep_incident_counts() RETURNS trigger LANGUAGE plpgsql AS $$
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


# A migration that has SQLite make the table of incidents anew loses them, and has to call this again.
def create(_apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    """Count what is there, and have it kept from now on. For `migrations.RunPython`."""
    triggers = ON_SQLITE if editor.connection.vendor == "sqlite" else ON_POSTGRESQL
    for statement in (COUNT_ALL, *triggers):
        editor.execute(statement, None)
