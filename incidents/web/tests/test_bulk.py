import re
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from django.test import Client
from django.utils import timezone

from incidents import many, services
from incidents.many import Wanted
from incidents.models import Event, Incident, Status
from incidents.services import Origin, StaleStatus
from incidents.severity import Severity
from testing.reading import page, row_ids
from users.models import User

Report = Callable[..., Incident]
HTMX = {"HX-Request": "true", "HX-Target": "undo", "HX-Current-URL": "http://testserver/?status=open"}


def press(browser: Client, ids: list[Any], **form: str) -> str:
    response: Any = browser.post("/bulk/", {"incident": ids, "comment": "", **form}, headers=HTMX)
    assert response.status_code == HTTPStatus.OK, response.content
    return str(response.text)


def undo(browser: Client, html: str) -> str:
    values = re.findall(r'type="hidden" name="incident" value="([^"]+)"', html)
    return press(browser, values, status="open", undo="on")


def test_each_is_changed_only_if_it_is_as_it_was_seen(olga: User, incident: Report) -> None:
    one, other = incident(), incident()
    origin = Origin(olga.pk, Event.Channel.PAGE)
    services.change(other.pk, origin, status=Status.CLOSED)
    wanted = [Wanted(pk, Status.OPEN, Status.RESOLVED) for pk in (other.pk, one.pk, 10**9)]
    outcome = many.change_many(wanted, origin, "готово")
    assert outcome.changed == [one.pk]
    assert {pk: type(error) for pk, error in outcome.refused.items()} == {
        other.pk: StaleStatus,
        10**9: services.IncidentNotFound,
    }
    assert one.events.latest("id").comment == "готово"
    assert Incident.objects.get(pk=other.pk).status == Status.CLOSED


def test_many_are_taken_and_given_back_as_one(
    as_olga: Client, olga: User, admin: User, incident: Report
) -> None:
    ids = [incident().pk for _n in range(3)]
    services.change(ids[2], Origin(admin.pk, Event.Channel.PAGE), status=Status.IN_PROGRESS)
    html = press(as_olga, [f"{pk}.open" for pk in ids], status="in_progress")
    assert f"<span>Taken: 2, #{ids[2]} is with admin already</span>" in html
    assert sorted(row_ids(html)) == ids
    assert html.count('hx-swap-oob="true"') == 3
    assert set(Incident.objects.filter(assignee=olga).values_list("id", flat=True)) == set(ids[:2])
    html = undo(as_olga, html)
    assert "<span>Undone: 2</span>" in html
    assert set(Incident.objects.filter(status="open", assignee=None).values_list("id", flat=True)) == set(
        ids[:2]
    )
    assert Event.objects.filter(comment="Taken back").count() == 2


def test_undo_sets_each_back_to_what_it_was(as_olga: Client, incident: Report) -> None:
    one, taken = incident(), incident(status=Status.IN_PROGRESS)
    html = press(as_olga, [f"{one.pk}.open", f"{taken.pk}.in_progress"], status="resolved", comment="ок")
    assert "Resolved: 2" in html
    undo(as_olga, html)
    assert [each.status for each in Incident.objects.order_by("id")] == ["open", "in_progress"]


def test_a_comment_alone_overwrites_nothing(as_olga: Client, incident: Report) -> None:
    one = incident(status=Status.CLOSED)
    html = press(as_olga, [f"{one.pk}.open", "x.open", f"{one.pk}.burning", "9" * 30], comment="едем")
    assert "Commented: 1" in html
    assert 'name="undo"' not in html
    assert (one.events.latest("id").comment, Incident.objects.get().status) == ("едем", "closed")
    assert "Choose a status or write a comment." in press(as_olga, [f"{one.pk}.closed"])
    assert "Comment is too long" in press(as_olga, [f"{one.pk}.closed"], comment="x" * 2001)


def test_without_scripts_it_leads_back_to_the_queue(
    as_olga: Client, as_vera: Client, incident: Report
) -> None:
    one = incident()
    form = {"incident": [f"{one.pk}.open"], "status": "fake"}
    assert as_vera.post("/bulk/", form).status_code == HTTPStatus.FORBIDDEN
    response = as_olga.post("/bulk/", form, follow=True)
    assert "False alarms: 1" in response.text
    assert response.redirect_chain == [("/", HTTPStatus.FOUND)]
    assert as_olga.get("/bulk/").status_code == HTTPStatus.FOUND


def test_a_storm_is_folded(as_olga: Client, incident: Report) -> None:
    other = incident("Другой", severity=Severity.CRITICAL)
    storm = [incident(f"Самокат {n} не в сети {n * 7} минут").pk for n in range(60)]
    html = page(as_olga, "/")
    # Over the limit of a page, so that it is counted as a whole.
    assert row_ids(html) == [other.pk, *storm[::-1]]
    assert "<bdi>Самокат … не в сети … минут</bdi> <b>×60</b>" in html
    assert html.count('class="storm') == 1
    assert html.index('class="group"') < html.index('class="storm"')


def test_what_comes_slowly_or_is_not_alike_is_no_storm(as_olga: Client, incident: Report) -> None:
    now = timezone.now()
    for n in range(8):
        incident(f"Самокат {n} не в сети", created_at=now - timedelta(minutes=3 * n))
    for name in "абвгд":
        incident(f"Станция {name} не отвечает")
    assert 'class="storm' not in page(as_olga, "/")
