import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from incidents import services
from incidents.models import Event, Incident, Source, Status
from incidents.services import Origin
from testing.clients import new_client
from users.models import User

LIST = "/admin/incidents/incident/"
Report = Callable[..., Incident]


def page(browser: Client, path: str, status: int = 200) -> str:
    reply: Any = browser.get(path)
    assert reply.status_code == status
    text: str = reply.text
    return text


def listed(browser: Client, query: str = "") -> list[int]:
    """Return the ids that the list shows, in its order."""
    found = re.findall(rf'{LIST}(\d+)/change/[^"]*">\d+<', page(browser, f"{LIST}?{query}"))
    return [int(pk) for pk in found]


def test_it_lists_incidents_newest_first(admin_browser: Client, incident: Report) -> None:
    old = incident(created_at=datetime(2025, 1, 1, tzinfo=UTC))
    new = incident("<b>Fire</b>")
    assert listed(admin_browser) == [new.pk, old.pk]
    text = page(admin_browser, LIST)
    assert "&lt;b&gt;Fire&lt;/b&gt;" in text
    assert "<b>Fire" not in text


def test_it_filters_by_status_source_and_date(admin_browser: Client, incident: Report) -> None:
    closed = incident(status=Status.CLOSED).pk
    partners = incident(source=Source.PARTNER).pk
    old = incident(created_at=datetime(2020, 6, 1, tzinfo=UTC)).pk
    assert listed(admin_browser, "status__exact=closed") == [closed]
    assert listed(admin_browser, "source__exact=partner") == [partners]
    assert listed(admin_browser, "created_at__year=2020") == [old]
    assert "created_at__year=2020" in page(admin_browser, LIST)


@pytest.mark.parametrize("value", ["самокат", "САМОКАТ", "ежик", "Ёжик"])
def test_it_searches_whatever_the_case_and_the_dots_of_e(
    admin_browser: Client, incident: Report, value: str
) -> None:
    made = {"самокат": incident("Самокат не в сети").pk, "ежик": incident("ёжик").pk}
    assert listed(admin_browser, f"q={value}") == [made[value.lower().replace("ё", "е")]]


def test_a_search_that_is_too_long_is_refused(admin_browser: Client, incident: Report) -> None:
    incident()
    assert "errornote" not in page(admin_browser, f"{LIST}?q={'x' * 200}")
    text = page(admin_browser, f"{LIST}?q={'x' * 201}")
    assert 'class="error"' in text
    assert "200" in text


# Django takes offsets up to a day, PostgreSQL up to 15:59.
ODD_TIME = "created_at__gte=2026-11-25T00:00:00-23:59"


@pytest.mark.django_db(transaction=True)  # An error of PostgreSQL would end the test's own transaction.
@pytest.mark.parametrize(
    "query", ["status__exact=new", "q=%00", "created_at__gte=x", ODD_TIME, "p=x", "o=99", "e=1"]
)
def test_a_wrong_query_is_no_server_error(admin_browser: Client, incident: Report, query: str) -> None:
    incident()
    assert admin_browser.get(f"{LIST}?{query}", follow=True).status_code in {200, 400}


def change(browser: Client, one: Incident, **fields: str) -> Any:
    form = {"events-TOTAL_FORMS": "0", "events-INITIAL_FORMS": "0", "status": one.status, "comment": ""}
    return browser.post(f"{LIST}{one.pk}/change/", form | fields)


def test_a_change_of_status_is_an_event(admin_browser: Client, admin: User, incident: Report) -> None:
    one = incident()
    assert change(admin_browser, one, status="closed", comment="why").status_code == 302
    assert Incident.objects.get().status == "closed"
    event = Event.objects.latest("id")
    assert (event.kind, event.channel, event.by) == ("status_changed", "admin", admin)
    assert (event.status_from, event.status_to, event.comment) == ("open", "closed", "why")


def test_a_comment_does_not_put_back_what_changed_meanwhile(
    admin_browser: Client, olga: User, incident: Report
) -> None:
    one = incident()
    shown = page(admin_browser, f"{LIST}{one.pk}/change/")
    assert 'name="initial-status" value="open"' in shown
    services.change(one.pk, Origin(olga.pk, Event.Channel.PAGE), status=Status.RESOLVED)
    change(admin_browser, one, **{"initial-status": "open"}, status="open", comment="noted")
    assert Incident.objects.get().status == "resolved"
    assert Event.objects.latest("id").comment == "noted"


def test_a_save_that_changes_nothing_leaves_no_event(admin_browser: Client, incident: Report) -> None:
    one = incident()
    assert change(admin_browser, one).status_code == 302
    assert Event.objects.count() == 1


def test_what_was_reported_is_not_edited(admin_browser: Client, incident: Report) -> None:
    one = incident()
    change(admin_browser, one, description="other", source="partner", created_at="2020-01-01", status="fake")
    again = Incident.objects.get()
    assert (again.description, again.source, again.created_at) == (
        one.description,
        one.source,
        one.created_at,
    )
    assert again.status == "fake"


@pytest.mark.parametrize(
    "fields", [{"status": "new"}, {"status": ""}, {"comment": "x" * 2001}, {"comment": "a\x1bb"}]
)
def test_a_wrong_change_is_refused(admin_browser: Client, incident: Report, fields: dict[str, str]) -> None:
    reply = change(admin_browser, incident(), **{"status": "fake"} | fields)
    assert reply.status_code == 200
    assert "errorlist" in reply.text
    assert Incident.objects.get().status == "open"
    assert Event.objects.count() == 1


def test_the_history_is_shown_and_cannot_be_edited(admin_browser: Client, incident: Report) -> None:
    one = incident(status=Status.CLOSED)
    change(admin_browser, one, comment="Battery replaced")
    text = page(admin_browser, f"{LIST}{one.pk}/change/")
    assert "Battery replaced" in text
    assert 'name="events-0-id"' not in text or 'name="events-0-comment"' not in text
    event = one.events.latest("id")
    forged = {
        "events-TOTAL_FORMS": "1",
        "events-INITIAL_FORMS": "1",
        "events-0-id": str(event.pk),
        "events-0-incident": str(one.pk),
        "events-0-comment": "forged",
        "events-0-DELETE": "on",
    }
    change(admin_browser, one, **forged)
    assert one.events.latest("id").comment == "Battery replaced"


@pytest.mark.parametrize("status", Status)
def test_the_bulk_action_sets_a_status_with_an_event_each(
    admin_browser: Client, admin: User, incident: Report, status: Status
) -> None:
    chosen = [incident(), incident(status=Status.CLOSED), incident(status=status)]
    other = incident()
    before = Event.objects.latest("id").pk
    form = {"action": f"set_{status}", "_selected_action": [str(one.pk) for one in chosen]}
    reply: Any = admin_browser.post(LIST, form, follow=True)
    assert reply.status_code == 200
    assert status.label.lower() in reply.text.lower()
    assert {one.status for one in Incident.objects.exclude(pk=other.pk)} == {status}
    assert Incident.objects.get(pk=other.pk).status == "open"
    events = Event.objects.filter(pk__gt=before)
    changed = [one.pk for one in chosen if one.status != status]
    assert sorted(events.values_list("incident", flat=True)) == sorted(changed)
    assert set(events.values_list("kind", "channel", "by")) <= {("status_changed", "admin", admin.pk)}


def test_the_bulk_action_goes_on_where_an_incident_cannot_be_changed(
    admin_browser: Client, incident: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, full, other = incident(), incident(), incident()
    change_of = services.change

    def change_after_a_prune(pk: int, *args: Any, **fields: Any) -> Any:
        if pk == gone.pk:
            raise services.IncidentNotFound
        if pk == full.pk:
            raise services.HistoryFull
        return change_of(pk, *args, **fields)

    monkeypatch.setattr(services, "change", change_after_a_prune)
    form = {"action": "set_closed", "_selected_action": [str(gone.pk), str(full.pk), str(other.pk)]}
    reply: Any = admin_browser.post(LIST, form, follow=True)
    assert "Incidents that could not be changed: 2" in reply.text
    assert Incident.objects.get(pk=other.pk).status == "closed"


def test_saving_an_incident_that_was_pruned_meanwhile_is_not_found(
    admin_browser: Client, incident: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pruned(*_args: Any, **_fields: Any) -> None:
        raise services.IncidentNotFound

    one = incident()
    monkeypatch.setattr(services, "change", pruned)
    assert change(admin_browser, one, status="closed").status_code == 404


def fill_history(one: Incident, number: int) -> None:
    Event.objects.bulk_create(
        Event(incident=one, kind="commented", channel="rest", status_to="open", comment=f"comment {n}")
        for n in range(number)
    )


def test_the_newest_100_events_are_shown_and_the_earlier_ones_on_request(
    admin_browser: Client, incident: Report
) -> None:
    one = incident()
    fill_history(one, 100)
    text = page(admin_browser, f"{LIST}{one.pk}/change/")
    assert text.count("comment 99") >= 1
    assert "Show 1 earlier events" in text
    assert 'name="events-TOTAL_FORMS" value="100"' in text
    text = page(admin_browser, f"{LIST}{one.pk}/change/?every_event=1")
    assert 'name="events-TOTAL_FORMS" value="101"' in text


def test_a_change_of_an_incident_with_a_full_history_is_refused(
    admin_browser: Client, incident: Report
) -> None:
    one = incident()
    fill_history(one, 9_999)
    reply = change(admin_browser, one, status="closed")
    assert (reply.status_code, "too many events" in reply.text) == (200, True)
    assert Incident.objects.get().status == "open"


def test_a_report_has_its_first_event(admin_browser: Client, admin: User) -> None:
    empty = {"events-TOTAL_FORMS": "0", "events-INITIAL_FORMS": "0"}
    form = empty | {"description": "Ёлка горит", "source": "operator"}
    assert admin_browser.post(f"{LIST}add/", form).status_code == 302
    one = Incident.objects.get()
    assert (one.description, one.status, one.created_by) == ("Ёлка горит", "open", admin)
    assert list(Incident.objects.mentioning("елка")) == [one]
    event = Event.objects.get()
    assert (event.kind, event.channel, event.by) == ("created", "admin", admin)


@pytest.mark.parametrize(
    "fields",
    [{"description": " "}, {"description": "a\x1bb"}, {"description": "x" * 10_001}, {"source": "x"}],
)
def test_a_wrong_report_is_refused(admin_browser: Client, fields: dict[str, str]) -> None:
    empty = {"events-TOTAL_FORMS": "0", "events-INITIAL_FORMS": "0"}
    form = empty | {"description": "Fire", "source": "operator"} | fields
    reply: Any = admin_browser.post(f"{LIST}add/", form)
    assert reply.status_code == 200
    assert "errorlist" in reply.text
    assert not Incident.objects.exists()


def test_nothing_is_deleted(admin_browser: Client, incident: Report) -> None:
    one = incident()
    page(admin_browser, f"{LIST}{one.pk}/delete/", 403)
    assert admin_browser.post(f"{LIST}{one.pk}/delete/", {"post": "yes"}).status_code == 403
    form = {"action": "delete_selected", "_selected_action": [str(one.pk)], "post": "yes"}
    admin_browser.post(LIST, form)
    assert Incident.objects.get() == one
    assert f"{LIST}{one.pk}/delete/" not in page(admin_browser, f"{LIST}{one.pk}/change/")


@pytest.mark.parametrize("language", ["ru", "en"])
def test_labels_are_those_of_the_contract_written_with_yo(
    admin_browser: Client, incident: Report, language: str
) -> None:
    from incidents.api.rest.tests.test_pages import ENGLISH, ENGLISH_SOURCES, RUSSIAN, RUSSIAN_SOURCES

    incident()
    browser = new_client(headers={"Accept-Language": language})
    browser.cookies = admin_browser.cookies
    text = page(browser, LIST)
    statuses, sources = (RUSSIAN, RUSSIAN_SOURCES) if language == "ru" else (ENGLISH, ENGLISH_SOURCES)
    with_yo = {"Решен": "Решён", "Отменен": "Отменён", "Партнер": "Партнёр"}
    statuses, sources = (
        {value: with_yo.get(label, label) for value, label in labels.items()}
        for labels in (statuses, sources)
    )
    for value, label in statuses.items():
        assert re.search(rf'status__exact={value}"[^>]*>\s*{label}\s*<', text), value
    for value, label in sources.items():
        assert re.search(rf'source__exact={value}"[^>]*>\s*{label}\s*<', text), value


def test_who_is_not_staff_does_not_come_in(olga: User, incident: Report) -> None:
    browser = new_client()
    browser.force_login(olga)
    reply = browser.get(LIST)
    assert (reply.status_code, reply.headers["Location"]) == (302, f"/admin/login/?next={LIST}")


def test_staff_without_the_right_to_change_has_no_actions(olga: User, incident: Report) -> None:
    from django.contrib.auth.models import Permission

    User.objects.filter(pk=olga.pk).update(is_staff=True)
    olga.user_permissions.add(Permission.objects.get(codename="view_incident"))
    browser = new_client()
    browser.force_login(olga)
    one = incident()
    assert "set_closed" not in page(browser, LIST)
    browser.post(LIST, {"action": "set_closed", "_selected_action": [str(one.pk)]})
    assert change(browser, one, status="closed").status_code == 403
    assert Incident.objects.get().status == "open"


def test_severity_and_assignee_are_set_and_cleared(
    admin_browser: Client, incident: Report, olga: User, vera: User
) -> None:
    one = incident()
    assert change(admin_browser, one, severity="error", assignee=str(olga.pk)).status_code == 302
    again = Incident.objects.get()
    assert (again.severity, again.assignee) == ("error", olga)
    assert list(one.events.values_list("kind", "severity", "assignee__username", "channel"))[1:] == [
        ("severity", "error", None, "admin"),
        ("assigned", None, "olga", "admin"),
    ]
    assert "olga" in page(admin_browser, f"{LIST}{one.pk}/change/")
    assert "errorlist" in change(admin_browser, one, assignee=str(vera.pk)).text
    change(admin_browser, one)
    again = Incident.objects.get()
    assert (again.severity, again.assignee) == (None, None)


def test_an_assignee_who_may_no_longer_update_stays(
    admin_browser: Client, incident: Report, olga: User
) -> None:
    one = incident()
    change(admin_browser, one, assignee=str(olga.pk))
    User.objects.filter(pk=olga.pk).update(is_active=False)
    change(admin_browser, one, assignee=str(olga.pk), comment="x")
    assert Incident.objects.get().assignee == olga


def test_a_finished_incident_is_not_opened_beside_one_with_its_key(
    admin_browser: Client, incident: Report
) -> None:
    first = incident(dedup_key="db1", status=Status.CLOSED)
    second = incident(dedup_key="db1")
    reply = change(admin_browser, first, status="open")
    assert f"Incident #{second.pk} has the same key and is not finished." in reply.text
    selected = {"action": "set_open", "_selected_action": [first.pk, second.pk]}
    reply = admin_browser.post(LIST, selected, follow=True)
    assert "Incidents that could not be changed: 1" in reply.text
    assert Incident.objects.get(pk=first.pk).status == "closed"


def test_a_long_text_is_cut_in_the_list(admin_browser: Client, incident: Report) -> None:
    one = incident("x" * 5000)
    html = page(admin_browser, LIST)
    assert f"{'x' * 119}…" in html
    assert "x" * 121 not in html
    assert html.index("column-status") < html.index("column-brief")
    assert f"/admin/incidents/incident/{one.pk}/history/" not in page(
        admin_browser, f"{LIST}{one.pk}/change/"
    )


def test_the_administration_declines_russian_nouns(admin: User) -> None:
    browser = new_client(headers={"Accept-Language": "ru"})
    browser.force_login(admin)
    html = page(browser, "/admin/users/user/")
    assert "Инциденты: администрирование" in html
    assert "Всего: 1" in html
    assert re.search(r'class="addlink">\s*Добавить\s*</a>', html)
    for wrong in ("Добавить пользователь", "1 пользователь", "Выберите"):
        assert wrong not in html, wrong
