from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client

from incidents import services
from incidents.models import Event, Incident, Source, Status
from incidents.services import Origin
from testing.reading import page
from users.models import User

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
    assert html.index("Reported") < html.index("Open → In progress")


def test_every_other_status_has_its_button(as_olga: Client, incident: Report) -> None:
    html = page(as_olga, f"/incident/{incident(status=Status.CLOSED).pk}/")
    offered = {status for status in Status if f'name="status" value="{status}"' in html}
    assert offered == set(Status) - {Status.CLOSED}


def test_an_unknown_one_is_404(as_olga: Client) -> None:
    page(as_olga, "/incident/7/", HTTPStatus.NOT_FOUND)
    page(as_olga, f"/incident/{10**30}/", HTTPStatus.NOT_FOUND)
    reply = as_olga.post("/incident/7/change/", {"seen": "open", "status": "closed"})
    assert reply.status_code == HTTPStatus.NOT_FOUND


def test_a_change_is_an_event_through_the_page(as_olga: Client, olga: User, incident: Report) -> None:
    one = incident()
    reply = change(as_olga, one, status="closed", comment="Увезли\r\nна склад")
    assert reply["Location"] == f"/incident/{one.pk}/"
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


def test_what_changed_meanwhile_is_shown_and_not_overwritten(
    as_olga: Client, vera: User, incident: Report
) -> None:
    one = incident()
    services.change(one.pk, Origin(vera.pk, Event.Channel.REST), status=Status.FAKE)
    reply = change(as_olga, one, status="closed", comment="мой комментарий")
    assert reply.status_code == HTTPStatus.CONFLICT
    assert "<bdi>vera</bdi> has changed it meanwhile, now it is: False alarm" in reply.text
    assert "мой комментарий</textarea>" in reply.text
    assert 'name="seen" value="fake"' in reply.text
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
def test_a_wrong_form_changes_nothing_and_keeps_the_text(
    as_olga: Client, incident: Report, form: dict[str, str], says: str
) -> None:
    one = incident()
    reply = change(as_olga, one, **form)
    assert reply.status_code == HTTPStatus.BAD_REQUEST
    assert says in reply.text
    assert form.get("comment", "").strip("\x00\n ")[:1] in reply.text
    assert one.events.count() == 1


def test_the_queue_gets_only_the_row_back(as_olga: Client, incident: Report) -> None:
    one = incident()
    headers = {"HX-Request": "true", "HX-Target": f"incident-{one.pk}"}
    path = f"/incident/{one.pk}/change/"
    reply = as_olga.post(path, {"seen": "open", "status": "in_progress"}, headers=headers)
    assert reply.text.startswith(f'<li id="incident-{one.pk}" class="row status-in_progress"')
    reply = as_olga.post(path, {"seen": "open", "status": "closed"}, headers=headers)
    assert reply.status_code == HTTPStatus.CONFLICT
    assert "Somebody else has changed it meanwhile" in reply.text
    assert Incident.objects.get().status == "in_progress"


def test_hostile_texts_are_shown_as_text(as_olga: Client, incident: Report) -> None:
    hostile = "</p></textarea><script>alert(1)</script>\u202e\u2066{{ 7|add:7 }}&amp;"
    one = incident(hostile)
    change(as_olga, one, status="closed", comment=hostile)
    html = page(as_olga, f"/incident/{one.pk}/")
    assert "<script>alert" not in html
    assert html.count("&lt;/textarea&gt;&lt;script&gt;alert(1)&lt;/script&gt;") == 2
    assert html.count("{{ 7|add:7 }}&amp;amp;") == 2
