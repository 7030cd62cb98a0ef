"""A page of incidents as REST lists it: what IncidentSerializer says of each, said of a whole page at once.

A serializer asks every field of every row how to show itself, which takes several times what the rest of the
call does. A test holds the two to the same words.
"""

import functools
from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import get_language

from incidents import statements
from incidents.counts import totals
from incidents.models import Incident, Source, Status

NEWEST_FIRST = Incident.objects.newest_first().query.order_by


class Rows:
    """The rows of a query in pieces, for a paginator: the frequent ones are counted and compiled already."""

    def __init__(self, incidents: QuerySet[Incident, Any]) -> None:
        self.incidents = incidents
        self.words = totals.chosen_words(incidents)

    def count(self) -> int:
        return self.incidents.count() if self.words is None else totals.kept_number(self.words)

    def __getitem__(self, piece: slice) -> list[tuple[Any, ...]]:
        words = self.words
        if words is None or self.incidents.query.order_by != NEWEST_FIRST:
            return list(self.incidents.values_list(*statements.REST_COLUMNS)[piece])
        statement = statements.newest_pages[frozenset(words)]
        return statement.rows(**words, limit=piece.stop - piece.start, offset=piece.start)


def shown(rows: Iterable[tuple[Any, ...]]) -> list[dict[str, Any]]:
    """Show rows of `statements.REST_COLUMNS` in the language and the time zone of the request."""
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
            "created_at": moment(created_at, zone),
            "updated_at": moment(updated_at, zone),
        }
        for pk, description, status, source, created_at, updated_at in rows
    ]


@functools.cache
def labels(_language: str | None) -> dict[tuple[type, str], str]:
    """Return the labels of the stored words in the active language, which is `_language`."""
    return {(words, word.value): str(word.label) for words in (Status, Source) for word in words}


# The newest rows are asked for again and again.
@functools.lru_cache(maxsize=256)
def moment(text: str, zone: tzinfo) -> str:
    """Write a moment, given as `UTCText`, as REST framework writes it in the zone."""
    local = datetime.fromisoformat(f"{text}+00:00").astimezone(zone).isoformat()
    return f"{local[:-6]}Z" if local.endswith("+00:00") else local
