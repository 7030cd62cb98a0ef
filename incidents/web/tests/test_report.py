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


@pytest.mark.parametrize(("when", "minutes"), [("", 0), ("15", 15), ("60", 60)])
def test_how_long_ago_it_was_is_chosen(as_olga: Client, when: str, minutes: int) -> None:
    send(as_olga, when=when)
    ago = timezone.now() - Incident.objects.get().created_at
    assert timedelta(minutes=minutes) <= ago < timedelta(minutes=minutes, seconds=30)


def test_a_report_that_waited_for_a_connection_has_the_time_of_the_press(as_olga: Client) -> None:
    as_olga.cookies["timezone"] = "UTC"
    for when in ("", "15"):
        send(as_olga, when=when, pressed="2025-11-11T09:30")
    times = [one.created_at.isoformat() for one in Incident.objects.order_by("created_at")]
    assert times == ["2025-11-11T09:15:00+00:00", "2025-11-11T09:30:00+00:00"]


def test_the_same_form_again_reports_takes_and_comments_once(as_olga: Client, olga: User) -> None:
    for _n in range(2):
        send(as_olga, when="15", contact="Иван, +7 999 123-45-67", take="on", idempotency_key="k")
    one = Incident.objects.get()
    assert (one.status, one.assignee) == ("in_progress", olga)
    comments = [event.comment for event in one.events.order_by("id") if event.comment]
    assert comments == ["Told by: Иван, +7 999 123-45-67"]


def test_a_contact_has_no_control_characters(as_olga: Client) -> None:
    assert send(as_olga, contact="a\x07b").status_code == HTTPStatus.BAD_REQUEST
    assert not Incident.objects.exists()


def test_the_source_is_remembered_and_reporters_are_not_asked(as_olga: Client, as_rita: Client) -> None:
    assert '<option value="operator" selected>' in page(as_olga, "/report/")
    send(as_olga, source="partner")
    assert '<option value="partner" selected>' in page(as_olga, "/report/")
    assert '<select name="source"' not in page(as_rita, "/report/")
    send(as_rita, source="monitoring", contact="Иван")
    assert '<input type="hidden" name="source" value="monitoring">' in page(as_rita, "/report/")
    assert 'name="take"' not in page(as_rita, "/report/")
    assert Incident.objects.get(source="monitoring").events.count() == 2


def test_what_is_like_it_is_shown(as_olga: Client, as_rita: Client, incident: Report) -> None:
    one = incident("Самокат 104233 не в сети у метро Парк")

    def hint(text: str) -> str:
        return str(as_olga.post("/report/similar/", {"incident": text}).text)

    for text in ("104233 опять", "Самокат не в сети у метро", "САМОКАТ сети парк метро"):
        assert f'href="/incident/{one.pk}/#id_comment"' in hint(text), text
    for text in ("10423", "Самокат", "Клиент упал у метро", "", "104 233"):
        assert "/incident/" not in hint(text), text
    Incident.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert "/incident/" not in hint("104233")
    assert as_rita.post("/report/similar/", {"incident": "104233"}).status_code == HTTPStatus.FORBIDDEN


def test_its_reporter_corrects_the_text_and_the_old_one_stays_in_the_history(
    as_olga: Client, as_vera: Client, olga: User
) -> None:
    old = "Самакат " + "x" * 4000
    send(as_olga, incident=old)
    one = Incident.objects.get()
    path = f"/incident/{one.pk}/correct/"
    assert "Correct the text" in page(as_olga, f"/incident/{one.pk}/")
    assert "Correct the text" not in page(as_vera, f"/incident/{one.pk}/")
    as_vera.post(path, {"incident": "чужое"})
    as_olga.post(path, {"incident": " "})
    one.refresh_from_db()
    assert one.description == old
    as_olga.post(path, {"incident": "Самокат"})
    as_olga.post(path, {"incident": "Самокат"})
    one.refresh_from_db()
    assert one.description == "Самокат"
    assert list(Incident.objects.mentioning("самокат")) == [one]
    comments = [event.comment for event in one.events.order_by("id")[1:]]
    note = "The text is corrected. It was:\n"
    assert all(comment.startswith(note) and len(comment) <= 2000 for comment in comments)
    assert "".join(comment.removeprefix(note) for comment in comments) == old


def test_the_text_is_corrected_within_15_minutes(as_olga: Client) -> None:
    send(as_olga)
    one = Incident.objects.get()
    one.events.update(at=timezone.now() - timedelta(minutes=15))
    assert "Correct the text" not in page(as_olga, f"/incident/{one.pk}/")
    html = as_olga.post(f"/incident/{one.pk}/correct/", {"incident": "x"}, follow=True).text
    assert "The text can be corrected for 15 minutes by who reported it." in html
    assert as_olga.post("/incident/99999/correct/", {"incident": "x"}).status_code == HTTPStatus.NOT_FOUND
