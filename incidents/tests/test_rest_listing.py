"""REST lists incidents in the same words as IncidentSerializer shows one."""

import datetime as dt
from collections.abc import Callable

import pytest
from django.test import override_settings
from django.utils import timezone, translation

from incidents.models import Incident, Source, Status
from incidents.rest import listing
from incidents.rest.serializers import IncidentSerializer


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
        assert listing.shown(rows.values_list(*listing.FIELDS)) == list(one_by_one)
    assert list(listing.shown(rows.values_list(*listing.FIELDS))[0]) == IncidentSerializer.Meta.fields
