"""A page of incidents as REST lists it: what IncidentSerializer says of each, said of a whole page at once.

A serializer asks every field of every row how to show itself, which takes several times what the rest of the
call does. A test holds the two to the same words.
"""

import functools
from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import Any

from django.utils import timezone
from django.utils.translation import get_language

from incidents.models import Source, Status

FIELDS = ("id", "description", "status", "source", "created_at", "updated_at")


def shown(rows: Iterable[tuple[Any, ...]]) -> list[dict[str, Any]]:
    """Show rows of `FIELDS` in the language and the time zone of the request."""
    label = labels(get_language())
    zone = timezone.get_current_timezone()
    return [
        {
            "id": pk,
            "description": description,
            "status": status,
            "status_display": label[Status, status],
            "source": source,
            "source_display": label[Source, source],
            "created_at": moment_in(zone, created_at),
            "updated_at": moment_in(zone, updated_at),
        }
        for pk, description, status, source, created_at, updated_at in rows
    ]


@functools.cache
def labels(_language: str | None) -> dict[tuple[type, str], str]:
    """Return the labels of the stored words in the active language, which is `_language`."""
    return {(words, word.value): str(word.label) for words in (Status, Source) for word in words}


def moment_in(zone: tzinfo, moment: datetime) -> str:
    """Write a moment as REST does, e.g. "2025-11-09T14:37:53.454525+03:00"."""
    text = moment.astimezone(zone).isoformat()
    return f"{text[:-6]}Z" if text.endswith("+00:00") else text
