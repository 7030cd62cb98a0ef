import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from incidents.models import Event, Incident
from testing.clients import Post, database_held
from testing.reading import page
from users.models import User

Report = Callable[..., Incident]


def send(browser: Client, **form: str) -> Any:
    usual = {"incident": "Самокат не в сети", "source": "operator", "date": "", "idempotency_key": ""}
    return browser.post("/report/", usual | form)


def test_a_report_is_an_event_of_the_page(as_olga: Client, olga: User) -> None:
    response = send(as_olga, incident="  Самокат\r\nне в сети", source="monitoring")
    one = Incident.objects.get()
    assert response["Location"] == f"/incident/{one.pk}/"
    assert (one.description, one.source, one.status) == ("  Самокат\nне в сети", "monitoring", "open")
    event = one.events.get()
    assert (event.channel, event.by) == (Event.Channel.PAGE, olga)
    assert f"Incident #{one.pk} is reported" in page(as_olga, f"/incident/{one.pk}/")


def test_times_are_in_the_viewers_time_zone(as_olga: Client) -> None:
    as_olga.cookies["timezone"] = "Asia/Tokyo"
    send(as_olga, date="2025-11-11T09:30")
    assert Incident.objects.get().created_at == datetime(2025, 11, 11, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ({"incident": " \n"}, {"incident": " \n"}),
        ({"incident": ""}, {"incident": None}),
        ({"incident": "x" * 10_001}, {"incident": "x" * 10_001}),
        ({"incident": "a\x07b"}, {"incident": "a\x07b"}),
        ({"date": "yesterday"}, {"date": "yesterday"}),
        ({"date": "1969-12-31T09:30"}, {"date": "1969-12-31T09:30:00Z"}),
        ({"date": "2201-01-02T09:30"}, {"date": "2201-01-02T09:30:00Z"}),
    ],
)
def test_the_rules_and_messages_are_those_of_the_api(
    as_olga: Client, olga: User, post: Post, form: dict[str, str], body: dict[str, Any]
) -> None:
    usual = {"incident": "Самокат", "source": "operator"}
    api_error = post("/incidents/create/", usual | body, by=olga)
    response = send(as_olga, **form)
    assert response.status_code == api_error.status == HTTPStatus.BAD_REQUEST
    assert f"<p>{api_error.error}</p>" in response.text
    assert not Incident.objects.exists()


@pytest.mark.parametrize("source", ["", "moon"])
def test_a_wrong_source_is_refused(as_olga: Client, source: str) -> None:
    response = send(as_olga, source=source)
    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert "Source is required or wrong" in response.text


def test_an_invalid_form_keeps_the_typed_text(as_olga: Client) -> None:
    response = send(as_olga, incident="Упал & лежит", date="yesterday")
    assert "Упал &amp; лежит</textarea>" in response.text


def test_the_same_form_sent_twice_reports_one_incident(as_olga: Client) -> None:
    key = re.findall(r'name="idempotency_key" value="([^"]+)"', page(as_olga, "/report/"))[0]
    first, second = (send(as_olga, idempotency_key=key) for _n in range(2))
    assert first["Location"] == second["Location"]
    changed = send(as_olga, idempotency_key=key, incident="Другой")
    assert changed.status_code == HTTPStatus.CONFLICT
    assert "This form has been sent before" in changed.text
    fresh = re.findall(r'name="idempotency_key" value="([^"]+)"', changed.text)[0]
    assert send(as_olga, idempotency_key=fresh, incident="Другой").status_code == HTTPStatus.FOUND
    assert Incident.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_busy_database_is_503_and_nothing_is_stored(as_olga: Client) -> None:
    as_olga.raise_request_exception = False
    with database_held("incidents_incident"):
        response = send(as_olga)
    assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert int(response["Retry-After"]) >= 1
    assert "The service is busy" in response.text
    assert not Incident.objects.exists()


def test_a_time_that_has_not_come_is_refused(as_olga: Client) -> None:
    soon = timezone.localtime() + timedelta(minutes=4)
    assert send(as_olga, date=f"{soon:%Y-%m-%dT%H:%M}").status_code == HTTPStatus.FOUND
    later = soon + timedelta(days=365)
    response = send(as_olga, date=f"{later:%Y-%m-%dT%H:%M}")
    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert "This time has not come yet" in response.text
    assert Incident.objects.count() == 1
