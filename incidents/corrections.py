"""Correcting the text of an incident, as its reporter may for a while; the old text stays in the history."""

from collections.abc import Iterator
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from incidents import event_writer, services
from incidents.event_writer import Entry
from incidents.models import Event, Incident
from incidents.services import Origin
from incidents.validators import MAX_COMMENT_LENGTH

WITHIN = timedelta(minutes=15)


class TooLate(services.IncidentError):
    """Somebody else reported it, or too long ago."""


def may_correct(report: Event | None, user_id: int | None) -> bool:
    """Tell whether the user may correct the incident whose first event is `report`."""
    return (
        report is not None
        and user_id is not None
        and report.by_id == user_id
        and timezone.now() - report.at < WITHIN
    )


def correct(incident_id: int, description: str, note: str, origin: Origin) -> None:
    """Replace the text; the old one becomes comments that begin with `note`.

    Raises `IncidentNotFound`, `TooLate`, `HistoryFull`.
    """
    with transaction.atomic():
        row, _assignee, history_is_full = services.locked(incident_id)
        report = Event.objects.filter(incident=incident_id).order_by("id").first()
        if not may_correct(report, origin.user_id):
            raise TooLate
        if history_is_full:
            raise services.HistoryFull
        if description == row.description:
            return
        now = timezone.now()
        for text in pieces(row.description, MAX_COMMENT_LENGTH - len(note) - 1):
            entry = Entry(Event.Kind.COMMENTED, row.status, row.status, f"{note}\n{text}")
            event_writer.add(incident_id, entry, now, origin.user_id, origin.channel)
        comments = Event.objects.filter(incident=incident_id).exclude(comment="").order_by("id")
        search_text = event_writer.search_text(description, comments.values_list("comment", flat=True))
        Incident.objects.filter(pk=incident_id).update(
            description=description, search_text=search_text, updated_at=now
        )


def pieces(text: str, length: int) -> Iterator[str]:
    return (text[start : start + length] for start in range(0, len(text), length))
