"""REST lists incidents in the same words as IncidentSerializer shows one."""

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import QuerySet
from django.test import override_settings
from django.utils import timezone, translation

from api.rest.renderers import FastJSONRenderer
from incidents.api.rest import listing
from incidents.api.rest.serializers import IncidentSerializer
from incidents.models import Incident, Source, Status


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize("zone", ["Europe/Moscow", "UTC", "America/St_Johns"])
def test_a_page_says_what_the_serializer_says(
    incident: Callable[..., Incident], language: str, zone: str
) -> None:
    for status in Status:
        incident(status=status, created_at=dt.datetime(2025, 11, 9, 11, 37, 53, tzinfo=dt.UTC))
    for source in Source:
        incident(source=source)
    rows = Incident.objects.newest_first()
    with override_settings(TIME_ZONE=zone), timezone.override(zone), translation.override(language):
        one_by_one = IncidentSerializer(rows, many=True).data
        shown = listing.shown(listing.Rows(rows)[0:20])
        assert json.loads(FastJSONRenderer().render(shown)) == one_by_one
        # With indents it is DRF that writes.
        assert json.loads(FastJSONRenderer().render(shown, "application/json; indent=2")) == one_by_one
    assert list(listing.shown(listing.Rows(rows)[0:1])[0]) == IncidentSerializer.Meta.fields


QUERIES: list[QuerySet[Incident, Any]] = [
    Incident.objects.newest_first(),
    Incident.objects.newest_first().filter(status=Status.OPEN),
    Incident.objects.newest_first().filter(source=Source.PARTNER),
    Incident.objects.newest_first().filter(source=Source.PARTNER, status=Status.FAKE),
    Incident.objects.newest_first().mentioning("1"),
    Incident.objects.order_by("updated_at", "id").filter(status=Status.OPEN),
    Incident.objects.order_by("created_at", "id"),
]


@pytest.mark.parametrize("place", range(len(QUERIES)))
@pytest.mark.parametrize("piece", [slice(0, 20), slice(2, 4), slice(3, 4)], ids=str)
def test_a_piece_is_what_the_orm_finds(place: int, piece: slice, incident: Callable[..., Incident]) -> None:
    for status in (Status.OPEN, Status.FAKE, Status.OPEN):
        for source in (Source.PARTNER, Source.SYSTEM, Source.PARTNER):
            incident("1" if status == Status.FAKE else "2", status=status, source=source)
    rows = QUERIES[place].all()
    assert listing.Rows(rows).count() == len(rows)
    expected = [
        (row.pk, row.description, row.status, row.source, row.created_at, row.updated_at)
        for row in rows[piece]
    ]
    assert [
        (*row, in_utc(created), in_utc(updated)) for *row, created, updated in listing.Rows(rows)[piece]
    ] == (expected)


def in_utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
