"""The ledger compared with the database, row by row, history included."""

import contextlib
import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import psycopg

from resilience.load import Ledger
from resilience.service import SERVICE, Service

INCIDENTS = "SELECT id, idempotency_key, description, status FROM incidents_incident"
EVENTS = "SELECT incident_id, kind, status_from, status_to FROM incidents_event ORDER BY id"
REFERENCE_INCIDENTS = "SELECT id, NULL, description, status FROM reference_incident"

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Audit:
    """What is wrong in the database, sentence by sentence."""

    lost: list[str]
    doubled: list[str]
    damage: list[str]

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.damage)

    def __str__(self) -> str:
        examples = [kind[0] for kind in (self.lost, self.doubled, self.damage) if kind]
        more = f" ({'; '.join(examples)})" if examples else ""
        whole = "intact" if not self.damage else "DAMAGED"
        return f"{len(self.lost)} lost / {len(self.doubled)} doubled, database {whole}{more}"


def audit(service: Service, ledger: Ledger) -> Audit:
    """Compare. Everything in the database must come from the ledger; nothing may write meanwhile."""
    is_ours = service.kind is SERVICE
    rows = query(service, INCIDENTS if is_ours else REFERENCE_INCIDENTS)
    events = query(service, EVENTS) if is_ours else []
    lost: list[str] = []
    doubled: list[str] = []
    by_text: dict[str, list[Row]] = defaultdict(list)
    history: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        by_text[row[2]].append(row)
    for pk, *event in events:
        history[pk].append(tuple(event))
    for entry in ledger.entries:
        found = by_text.pop(entry.text, [])
        if len(found) > 1:
            doubled.append(f"{entry.key} is stored {len(found)} times")
        kept = next((row for row in found if row[0] == entry.pk), None)
        if kept is None:
            lost.append(f"{entry.key} was acknowledged as {entry.pk} and is not there")
            continue
        _pk, key, _text, status = kept
        if status != (entry.steps or ["open"])[-1] or (is_ours and key != entry.key):
            lost.append(f"{entry.key} should be {entry.steps or 'open'} and is {status}, its key is {key}")
        if is_ours:
            compare(entry.key, expected(entry.steps), history.pop(entry.pk, []), lost, doubled)
    for text, found in by_text.items():
        # A write that was never acknowledged may be stored or not, but only once.
        is_known = any(name.split()[0] in text for name in ledger.unacknowledged)
        if not is_known or len(found) > 1:
            doubled.append(f"{text} is stored {len(found)} times and in no ledger")
    return Audit(lost, doubled, damage(service))


def expected(steps: list[str]) -> list[Row]:
    """Return the history of an incident that took these steps."""
    changes = zip(["open", *steps], steps, strict=False)
    return [("created", "", "open"), *(("status_changed", before, after) for before, after in changes)]


def compare(key: str, due: list[Row], events: list[Row], lost: list[str], doubled: list[str]) -> None:
    if events == due:
        return
    where = doubled if len(events) > len(due) else lost
    where.append(f"the history of {key} should be {due} and is {events}")


def damage(service: Service) -> list[str]:
    if service.settings.get("DATABASE_URL"):
        # PostgreSQL has no check of the whole database; an index that lost a row would show here.
        return [
            str(row)
            for row in query(
                service,
                "SELECT 'events without incident' FROM incidents_event e "
                "LEFT JOIN incidents_incident i ON i.id = e.incident_id WHERE i.id IS NULL",
            )
        ]
    found = query(service, "PRAGMA integrity_check") + query(service, "PRAGMA foreign_key_check")
    return [str(row) for row in found if row != ("ok",)]


def execute(service: Service, text: str) -> None:
    """Change the database beside the service."""
    url = service.settings.get("DATABASE_URL")
    if url:
        with psycopg.connect(url) as postgres:
            postgres.execute(text.encode())
        return
    with contextlib.closing(sqlite3.connect(service.database, timeout=10)) as connection, connection:
        connection.execute(text)


def query(service: Service, text: str) -> list[Row]:
    url = service.settings.get("DATABASE_URL")
    if url:
        with psycopg.connect(url) as postgres:
            return [tuple(row) for row in postgres.execute(text.encode()).fetchall()]
    with contextlib.closing(sqlite3.connect(service.database, timeout=10)) as connection:
        return connection.execute(text).fetchall()
