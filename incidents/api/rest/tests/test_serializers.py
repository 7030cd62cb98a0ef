"""What REST shows of an incident is what its fields promise to show."""

import datetime as dt
import json
from collections.abc import Callable

import pytest
from django.test import override_settings
from django.utils import timezone, translation
from rest_framework import serializers

from api.rest.renderers import FastJSONRenderer
from incidents import services
from incidents.api.rest.serializers import IncidentSerializer, LabelField, represent
from incidents.models import Event, Incident, Source, Status
from incidents.queries import IncidentQuery
from incidents.services import NewIncident, Origin
from incidents.severity import Severity
from users.models import User


class ByFields(serializers.ModelSerializer[Incident]):
    """Asks each field of each row how to show itself."""

    status_display = LabelField(source="get_status_display")
    source_display = LabelField(source="get_source_display")
    severity_display = serializers.CharField(source="get_severity_display")
    assignee = serializers.CharField(source="assignee.username", default=None)

    class Meta:
        model = Incident
        fields = list(IncidentSerializer().fields)


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize("zone", ["Europe/Moscow", "UTC", "America/St_Johns"])
def test_a_row_is_shown_as_rest_framework_shows_an_instance(
    incident: Callable[..., Incident], olga: User, language: str, zone: str
) -> None:
    for status in Status:
        incident(status=status, created_at=dt.datetime(2025, 11, 9, 11, 37, 53, tzinfo=dt.UTC))
    for source in Source:
        incident(source=source)
    origin = Origin(olga.pk, Event.Channel.REST)
    for severity in Severity:
        services.change(incident(severity=severity).pk, origin, assignee=olga.pk)
        for _twice in range(2):
            services.create(NewIncident("Fire", Source.SYSTEM, dedup_key=severity.value), origin)
    instances = Incident.objects.newest_first()
    with override_settings(TIME_ZONE=zone), timezone.override(zone), translation.override(language):
        by_fields = ByFields(instances, many=True).data
        shown = represent(IncidentQuery()[0:100])
        assert json.loads(FastJSONRenderer().render(shown)) == by_fields
        # With indents it is DRF that writes.
        assert json.loads(FastJSONRenderer().render(shown, "application/json; indent=2")) == by_fields
        assert list(shown[0]) == list(IncidentSerializer().fields)
