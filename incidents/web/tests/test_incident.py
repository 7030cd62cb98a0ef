import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from incidents import services, signal_service
from incidents.models import Event, Incident, Source, Status
from incidents.services import Origin
from incidents.severity import Severity
from incidents.signal_rules import Sender
from incidents.signals import Action, Signal
from testing.reading import page
from users.models import User

START = datetime(2025, 11, 11, 23, 8, tzinfo=UTC)
Report = Callable[..., Incident]


def change(browser: Client, one: Incident, **form: Any) -> Any:
    return browser.post(f"/incident/{one.pk}/change/", {"seen": one.status, "comment": ""} | form)


def test_it_shows_the_text_the_reporter_and_the_history(as_olga: Client, incident: Report) -> None:
    one = incident("Самокат 104233\nне в сети", source=Source.PARTNER, status=Status.IN_PROGRESS)
    html = page(as_olga, f"/incident/{one.pk}/")
    assert "Самокат 104233\nне в сети" in html
    assert "Partner" in html
    assert "<bdi>olga</bdi>" in html
    assert "POST API" in html
    # The newest is the first.
    assert html.index("Open → In progress") < html.index("<b>Reported")


def test_every_other_status_has_a_button(as_olga: Client, incident: Report) -> None:
    html = page(as_olga, f"/incident/{incident(status=Status.CLOSED).pk}/")
    offered = {status for status in Status if f'name="status" value="{status}"' in html}
    assert offered == set(Status) - {Status.CLOSED}


def test_an_unknown_one_is_404(as_olga: Client) -> None:
    page(as_olga, "/incident/7/", HTTPStatus.NOT_FOUND)
    page(as_olga, f"/incident/{10**30}/", HTTPStatus.NOT_FOUND)
    response = as_olga.post("/incident/7/change/", {"seen": "open", "status": "closed"})
    assert response.status_code == HTTPStatus.NOT_FOUND


def test_a_change_is_an_event_of_the_page(as_olga: Client, olga: User, incident: Report) -> None:
    one = incident()
    response = change(as_olga, one, status="closed", comment="Увезли\r\nна склад")
    assert response["Location"] == f"/incident/{one.pk}/"
    event = one.events.latest("id")
    assert (event.channel, event.by, event.status_from, event.status_to) == (
        Event.Channel.PAGE,
        olga,
        "open",
        "closed",
    )
    assert event.comment == "Увезли\nна склад"
    assert Incident.objects.get().status == "closed"


def test_a_comment_alone_needs_no_status(as_olga: Client, incident: Report) -> None:
    one = incident()
    services.change(one.pk, Origin(None, Event.Channel.REST), status=Status.IN_PROGRESS)
    assert change(as_olga, one, status="", comment="Еду").status_code == HTTPStatus.FOUND
    assert one.events.latest("id").kind == Event.Kind.COMMENTED
    assert Incident.objects.get().status == "in_progress"


def test_a_status_that_changed_meanwhile_is_shown_and_not_overwritten(
    as_olga: Client, vera: User, incident: Report
) -> None:
    one = incident()
    services.change(one.pk, Origin(vera.pk, Event.Channel.REST), status=Status.FAKE)
    response = change(as_olga, one, status="closed", comment="мой комментарий")
    assert response.status_code == HTTPStatus.CONFLICT
    assert "<bdi>vera</bdi> has changed it meanwhile, now it is: False alarm" in response.text
    assert "мой комментарий</textarea>" in response.text
    assert 'name="seen" value="fake"' in response.text
    assert Incident.objects.get().status == "fake"
    assert one.events.count() == 2


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({}, "Choose a status or write a comment."),
        ({"comment": "  \n"}, "Choose a status or write a comment."),
        ({"comment": "x" * 2001}, "Comment is too long, use at most 2000 characters"),
        ({"comment": "a\x07b"}, "Comment has forbidden characters"),
        ({"comment": "a\x00b"}, "Comment has forbidden characters"),
        ({"status": "burning"}, ""),
        ({"status": "closed", "seen": "burning"}, ""),
    ],
)
def test_an_invalid_form_changes_nothing_and_keeps_the_text(
    as_olga: Client, incident: Report, form: dict[str, str], says: str
) -> None:
    one = incident()
    response = change(as_olga, one, **form)
    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert says in response.text
    assert form.get("comment", "").strip("\x00\n ")[:1] in response.text
    assert one.events.count() == 1


def test_a_change_from_the_queue_responds_with_the_row_alone(as_olga: Client, incident: Report) -> None:
    one = incident()
    headers = {"HX-Request": "true", "HX-Target": f"incident-{one.pk}"}
    path = f"/incident/{one.pk}/change/"
    response = as_olga.post(path, {"seen": "open", "status": "in_progress"}, headers=headers)
    assert response.text.startswith(f'<li id="incident-{one.pk}" class="row status-in_progress"')
    response = as_olga.post(path, {"seen": "open", "status": "closed"}, headers=headers)
    assert response.status_code == HTTPStatus.CONFLICT
    assert "Somebody else has changed it meanwhile" in response.text
    assert Incident.objects.get().status == "in_progress"


def test_a_page_whose_url_is_none_gets_its_row(as_olga: Client, incident: Report) -> None:
    one = incident()
    headers = {
        "HX-Request": "true",
        "HX-Target": f"incident-{one.pk}",
        "HX-Current-URL": "http://[x",
    }
    path = f"/incident/{one.pk}/change/"
    response = as_olga.post(path, {"seen": "open", "status": "in_progress"}, headers=headers)
    assert response.status_code == HTTPStatus.OK
    assert Incident.objects.get().status == "in_progress"


def test_a_conflict_in_the_queue_says_who(as_olga: Client, vera: User, incident: Report) -> None:
    one = incident()
    services.change(one.pk, Origin(vera.pk, Event.Channel.REST), status=Status.FAKE)
    headers = {"HX-Request": "true", "HX-Target": f"incident-{one.pk}"}
    form = {"seen": "open", "status": "in_progress"}
    response = as_olga.post(f"/incident/{one.pk}/change/", form, headers=headers)
    assert response.status_code == HTTPStatus.CONFLICT
    assert "<bdi>vera</bdi> has changed it meanwhile. Nothing was overwritten." in response.text
    # Nobody undoes what another has done.
    assert 'class="undo"' not in response.text


def test_an_incident_whose_key_is_in_use_is_not_opened_again(as_olga: Client, incident: Report) -> None:
    one = incident(dedup_key="disk", status=Status.CLOSED)
    other = incident(dedup_key="disk")
    response = change(as_olga, one, seen="closed", status="open")
    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert f"Incident #{other.pk} is about the same and is not finished." in response.text
    headers = {"HX-Request": "true", "HX-Target": f"incident-{one.pk}"}
    form = {"seen": "closed", "status": "open"}
    response = as_olga.post(f"/incident/{one.pk}/change/", form, headers=headers)
    assert f"Incident #{other.pk} is about the same and is not finished." in response.text


def test_markup_in_texts_is_escaped(as_olga: Client, incident: Report) -> None:
    hostile = "</p></textarea><script>alert(1)</script>\u202e\u2066{{ 7|add:7 }}&amp;"
    one = incident(hostile)
    change(as_olga, one, status="closed", comment=hostile)
    html = page(as_olga, f"/incident/{one.pk}/")
    assert "<script>alert" not in html
    # In the title, the text, the comment, and the field in which its reporter may correct the text
    assert html.count("&lt;/textarea&gt;&lt;script&gt;alert(1)&lt;/script&gt;") == 4
    assert html.count("{{ 7|add:7 }}&amp;amp;") == 4


def test_a_long_history_is_shown_in_pages(
    as_olga: Client, incident: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("incidents.web.views.incident.MAX_EVENTS", 3)
    one = incident(source=Source.PARTNER)
    origin = Origin(None, Event.Channel.REST)
    for number in range(6):
        services.change(one.pk, origin, comment=f"comment {number}")
    ids = list(one.events.order_by("id").values_list("id", flat=True))
    html = page(as_olga, f"/incident/{one.pk}/")
    assert event_ids(html) == ids[-3:][::-1]
    # The facts are those of the first event all the same.
    assert "POST API" in html
    assert "To the newest" not in html
    html = page(as_olga, f"/incident/{one.pk}/", before=ids[-3])
    assert event_ids(html) == ids[1:4][::-1]
    assert "To the newest" in html
    html = page(as_olga, f"/incident/{one.pk}/", before=ids[1])
    assert event_ids(html) == ids[:1]
    assert "Show earlier" not in html
    page(as_olga, f"/incident/{one.pk}/", before="x" * 30)


def event_ids(html: str) -> list[int]:
    return [int(pk) for pk in re.findall(r'<li id="event-(\d+)"', html)]


def test_changes_of_an_incident_with_a_long_history_are_bounded(as_olga: Client, incident: Report) -> None:
    one = incident()
    first = one.events.get().pk
    for number in range(200):
        services.change(one.pk, Origin(None, Event.Channel.REST), comment=f"comment {number}" * 100)
    html = page(as_olga, "/changes/", after_event=first, incident=one.pk, status="all")
    assert len(html) < 5_000
    services.change(one.pk, Origin(None, Event.Channel.REST), comment="one more")
    page(as_olga, "/changes/", HTTPStatus.RESET_CONTENT, after_event=first, incident=one.pk)


def test_a_committed_change_is_never_reported_as_an_error(as_olga: Client, incident: Report) -> None:
    one = incident()
    as_olga.raise_request_exception = False
    headers = {"HX-Request": "true", "HX-Target": f"incident-{one.pk}"}
    with patch("incidents.web.views.incident.in_brief", side_effect=OperationalError("locked")):
        response = as_olga.post(
            f"/incident/{one.pk}/change/", {"seen": "open", "status": "closed"}, headers=headers
        )
        assert response.status_code == HTTPStatus.NO_CONTENT
        assert Incident.objects.get().status == "closed"
        # Nothing was committed here.
        response = as_olga.post(
            f"/incident/{one.pk}/change/", {"seen": "open", "status": "fake"}, headers=headers
        )
    assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert "Nothing was changed" not in response.text


def test_a_redirect_after_a_change_or_report_needs_no_database(
    as_olga: Client, olga: User, incident: Report
) -> None:
    one = incident()
    writes = {"change": f"/incident/{one.pk}/change/", "report": "/report/"}
    forms = {
        "change": {"seen": "open", "status": "closed"},
        "report": {"incident": "x", "source": "operator"},
    }
    for name, path in writes.items():
        with CaptureQueriesContext(connection) as queries:
            assert as_olga.post(path, forms[name]).status_code == HTTPStatus.FOUND
        last_write = max(n for n, query in enumerate(queries) if query["sql"].startswith("INSERT"))
        assert [query["sql"] for query in list(queries)[last_write + 1 :] if "SELECT" in query["sql"]] == []


@pytest.mark.parametrize(
    ("asked", "position"), [("?status=closed", 0), ("?status=all", 3), ("/elsewhere?status=x", 3), ("", 3)]
)
def test_a_row_has_its_position_in_the_queue_that_asked(
    as_olga: Client, incident: Report, asked: str, position: int
) -> None:
    one = incident()
    headers = {"HX-Request": "true", "HX-Target": f"incident-{one.pk}"}
    if asked:
        headers["HX-Current-URL"] = f"http://testserver/{asked}"
    response = as_olga.post(
        f"/incident/{one.pk}/change/", {"seen": "open", "status": "closed"}, headers=headers
    )
    assert f'data-position="{position}.' in response.text


def assign(browser: Client, one: Incident, **form: str) -> Any:
    return browser.post(f"/incident/{one.pk}/assign/", form, follow=True)


def test_it_is_handed_over_and_given_back(as_olga: Client, olga: User, admin: User, incident: Report) -> None:
    one = incident(severity=Severity.ERROR)
    html = assign(as_olga, one, assignee="admin").text
    assert Incident.objects.get().assignee == admin
    assert "Assigned: <bdi>admin</bdi>" in html
    assert '<span class="severity">Error</span>' in html
    html = assign(as_olga, one, give_back="on", assignee="admin").text
    assert Incident.objects.get().assignee is None
    assert "Given back" in html
    assert [event.channel for event in one.events.filter(kind="assigned")] == ["page", "page"]


def test_it_is_handed_over_only_to_those_who_may_update(
    as_olga: Client, vera: User, incident: Report
) -> None:
    one = incident()
    assert 'value="vera"' not in page(as_olga, f"/incident/{one.pk}/")
    for name in ("vera", "nemo", ""):
        assert "Assignee is not known" in assign(as_olga, one, assignee=name).text
    assert Incident.objects.get().assignee is None
    assert as_olga.post("/incident/7777/assign/", {"give_back": "on"}).status_code == HTTPStatus.NOT_FOUND


def test_a_viewer_hands_nothing_over(as_vera: Client, incident: Report) -> None:
    one = incident()
    assert "assign/" not in page(as_vera, f"/incident/{one.pk}/")
    response = as_vera.post(f"/incident/{one.pk}/assign/", {"assignee": "olga"})
    assert response.status_code == HTTPStatus.FORBIDDEN


def test_taking_assigns_and_the_row_shows_it(
    as_olga: Client, as_vera: Client, olga: User, incident: Report
) -> None:
    one = incident(severity=Severity.CRITICAL)
    change(as_olga, one, status="in_progress")
    assert Incident.objects.get().assignee == olga
    html = page(as_olga, "/")
    assert '<b class="state">Mine · <time class="lasts"' in html
    assert '<span class="severity">Critical</span>' in html
    html = page(as_vera, "/")
    assert '<span class="state">With <bdi>olga</bdi> · <time class="lasts"' in html


def test_it_shows_what_its_sender_says(as_olga: Client, olga: User, rita: User) -> None:
    signal = Signal(action=Action.TRIGGER, key="db1", title="Down", starts_at=START, link="https://g/d/1")
    sender = Sender(rita.pk, Source.MONITORING)
    again = replace(signal, title="Still <b>down</b>")
    [first, _repeat] = signal_service.handle([signal, again], sender)
    assert first.incident_id
    services.change(first.incident_id, Origin(olga.pk, Event.Channel.PAGE), status=Status.CLOSED)
    signal_service.handle([again], sender)
    html = page(as_olga, f"/incident/{first.incident_id}/")
    assert "It is finished here, but its sender still reports it." in html
    assert "Still &lt;b&gt;down&lt;/b&gt;" in html
    assert 'href="https://g/d/1"' in html
    assert "repeats: 2" in html
    [second] = signal_service.handle([replace(signal, starts_at=START + timedelta(hours=1))], sender)
    html = page(as_olga, f"/incident/{second.incident_id}/")
    assert f'<a href="/incident/{first.incident_id}/">The incident before: #{first.incident_id}</a>' in html


def test_it_is_taken_over_from_somebody_else(
    as_olga: Client, admin_browser: Client, olga: User, incident: Report
) -> None:
    one = incident()
    assert "Take over" not in page(as_olga, f"/incident/{one.pk}/")
    change(admin_browser, one, status="in_progress")
    html = page(as_olga, f"/incident/{one.pk}/?status=in_progress")
    assert "With <bdi>admin</bdi>" in html
    assert '<button name="assignee" value="olga">Take over</button>' in html
    assert "Take over" not in page(admin_browser, f"/incident/{one.pk}/")
    response = as_olga.post(f"/incident/{one.pk}/assign/?status=in_progress", {"assignee": "olga"})
    assert response["Location"] == f"/incident/{one.pk}/?status=in_progress"
    assert Incident.objects.get().assignee == olga
    assert "Mine" in page(as_olga, f"/incident/{one.pk}/")


def links(html: str) -> dict[str, str]:
    return {
        rel: path.replace("&amp;", "&") for rel, path in re.findall(r'<a rel="(\w+)" href="([^"]*)"', html)
    }


def test_it_has_a_place_in_the_queue_from_which_it_was_opened(as_olga: Client, incident: Report) -> None:
    ids = [incident(f"Самокат {n}", source=Source.MONITORING).pk for n in range(3)]
    incident("Другой")
    query = "?status=open&source=monitoring"
    html = page(as_olga, f"/incident/{ids[1]}/{query}")
    assert "2 of 3" in html
    assert links(html) == {"prev": f"/incident/{ids[2]}/{query}", "next": f"/incident/{ids[0]}/{query}"}
    assert "‹ <bdi>Queue: open, monitoring</bdi>" in html
    assert f'href="/{query}#incident-{ids[1]}"'.replace("&", "&amp;") in html
    assert "2 of 4" in page(as_olga, f"/incident/{ids[2]}/")
    # The row leads there, and a change leads back.
    assert f'href="/incident/{ids[1]}/{query}"'.replace("&", "&amp;") in page(as_olga, f"/{query}")
    response = as_olga.post(f"/incident/{ids[1]}/change/{query}", {"seen": "open", "status": "resolved"})
    assert response["Location"] == f"/incident/{ids[1]}/{query}"
    html = page(as_olga, response["Location"])
    assert " of 3" not in html
    assert f"Next: #{ids[0]} Самокат 0" in html
    # After the last one the first comes again.
    as_olga.post(f"/incident/{ids[0]}/change/{query}", {"seen": "open", "status": "resolved"})
    assert f"Next: #{ids[2]} Самокат 2" in page(as_olga, f"/incident/{ids[0]}/{query}")
    as_olga.post(f"/incident/{ids[2]}/change/{query}", {"seen": "open", "status": "resolved"})
    assert "Next: #" not in page(as_olga, f"/incident/{ids[2]}/{query}")


def test_buttons_say_what_a_status_means(as_olga: Client, incident: Report) -> None:
    html = page(as_olga, f"/incident/{incident().pk}/")
    assert 'title="the work is done"' in html
    assert 'title="checked, we are through with it"' in html
