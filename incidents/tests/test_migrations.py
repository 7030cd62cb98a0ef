"""What an upgrade makes of the rows of an older version."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.conf import settings

from testing.service import empty_database

FILL = """
for number, status in enumerate(["open", "closed", "closed"], start=1):
    cursor.execute(
        "INSERT INTO incidents_incident"
        " (id, description, search_text, status, source, created_at, updated_at)"
        " VALUES (%s, 'Fire', 'fire', %s, 'monitoring', '2025-11-11', '2025-11-11')", [number, status]
    )
    cursor.execute(
        "INSERT INTO incidents_event (incident_id, kind, at, door, status_from, status_to, comment)"
        " VALUES (%s, 'created', '2025-11-11', 'post', '', 'open', '')", [number]
    )
"""
START = """
import django
django.setup()
from django.db import connection
cursor = connection.cursor()
"""
LOOK = """
import json
from incidents.counts import totals, triggers
from incidents.models import Event, Incident
Incident.objects.filter(status="open").update(status="fake")
new = ("severity", "assignee", "dedup_key", "repeats", "last_seen_at")
print(json.dumps({
    "missing": list(triggers.missing()),
    "counts": totals.by_status(),
    "incidents": list(Incident.objects.order_by("id").values_list("id", "status", *new)),
    "events": list(Event.objects.order_by("id").values_list("incident", "kind", "severity", "assignee")),
}))
"""


class Installation:
    """A database of its own, on which other processes work."""

    def __init__(self, folder: Path, url: str) -> None:
        self.environment = os.environ | {"DATA_DIR": str(folder), "DATABASE_URL": url}

    def manage(self, *arguments: str) -> None:
        self.run("manage.py", *arguments)

    def execute(self, code: str) -> str:
        return self.run("-c", START + code)

    def run(self, *arguments: str) -> str:
        return subprocess.run(
            [sys.executable, *arguments],
            env=self.environment,
            cwd=settings.BASE_DIR,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout


def test_what_was_there_before_severity_and_keys_stays_as_it_was(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with empty_database() as url:
        older = Installation(tmp_path, url)
        older.manage("migrate", "--verbosity=0", "incidents", "0003_event_channel")
        older.execute(FILL)
        older.manage("migrate", "--verbosity=0")
        found: dict[str, Any] = json.loads(older.execute(LOOK))
    nothing_new = [None, None, None, 0, None]
    assert found == {
        "missing": [],
        "counts": {"closed": 2, "fake": 1},
        "incidents": [[1, "fake", *nothing_new], [2, "closed", *nothing_new], [3, "closed", *nothing_new]],
        "events": [[number, "created", None, None] for number in (1, 2, 3)],
    }
