"""Incidents and events as the POST dialect shows them."""

from collections.abc import Iterable
from typing import Any

from common.datetimes import to_utc_text
from incidents.api.post.vocabulary import STORED_TO_POST_SOURCE, STORED_TO_POST_STATUS
from incidents.models import Event
from incidents.statements import IncidentRow, ListedRow


def list_items(rows: Iterable[ListedRow]) -> list[dict[str, Any]]:
    statuses, sources = STORED_TO_POST_STATUS, STORED_TO_POST_SOURCE
    return [
        {
            "id": pk,
            "incident": description,
            "status": statuses[status],
            "source": sources[source],
            "created_at": f"{created_at[:10]}T{created_at[11:23]}Z",
            "severity": severity,
            "assignee": assignee,
            "dedup_key": dedup_key,
            "repeats": repeats,
            "last_seen_at": last_seen_at and iso(last_seen_at),
        }
        for (
            pk,
            description,
            status,
            source,
            created_at,
            severity,
            assignee,
            dedup_key,
            repeats,
            last_seen_at,
        ) in rows
    ]


def incident_item(row: IncidentRow) -> dict[str, Any]:
    """Show an incident as an item of a list."""
    [item] = list_items([row[:5] + row[6:]])
    return item


def whole_incident(row: IncidentRow, history: list[dict[str, Any]]) -> dict[str, Any]:
    return {**incident_item(row), "updated_at": iso(row.updated_at), "history": history}


def event_item(event: Event) -> dict[str, Any]:
    return {
        "id": event.pk,
        "kind": event.kind,
        "at": to_utc_text(event.at),
        "by": event.by.username if event.by else None,
        "door": event.channel,
        "status_from": STORED_TO_POST_STATUS[event.status_from] if event.status_from else "",
        "status_to": STORED_TO_POST_STATUS[event.status_to],
        "comment": event.comment,
        "severity": event.severity,
        "assignee": event.assignee.username if event.assignee else None,
    }


def iso(timestamp: str) -> str:
    """Write a row's timestamp as the dialect writes it, to the millisecond."""
    return f"{timestamp[:10]}T{timestamp[11:23]}Z"
