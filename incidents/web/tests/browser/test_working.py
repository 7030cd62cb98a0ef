"""An operator's work in a real browser, alone and beside others, with scripts and without."""

import time
from collections.abc import Callable

import pytest
from selenium.webdriver.common.keys import Keys

from incidents import services
from incidents.models import Event, Incident, Source, Status
from incidents.services import Origin
from incidents.web.tests.browser.conftest import Open
from testing.viewer import CHANGES_WITHIN
from users.models import User

pytestmark = pytest.mark.browser
Report = Callable[..., Incident]


def in_letters(number: int) -> str:
    """Write a number so that texts with it are not folded as a storm."""
    return "".join("абвгдежзик"[int(digit)] for digit in str(number))


def status_of(one: Incident) -> str:
    return Incident.objects.get(pk=one.pk).status


@pytest.mark.parametrize("scripts", [True, False])
def test_take_an_incident_and_close_it_with_a_comment(
    open_page: Open, olga: User, password: str, incident: Report, scripts: bool
) -> None:
    one = incident("Самокат 104233 не в сети")
    me = open_page(None, scripts=scripts)
    me.see("#id_username").send_keys("olga")
    me.see("#id_password").send_keys(password + Keys.ENTER)
    me.see("li.row button", "Take").click()
    # With scripts the row changes where it is, without the incident's page opens.
    me.see(f"#incident-{one.pk} .chip" if scripts else "#facts .chip", "In progress")
    if scripts:
        me.see(f"#incident-{one.pk} a").click()
    me.see("#id_comment").send_keys("Увезли на склад")
    me.see("button[value=closed]").click()
    me.see("#facts .chip", "Closed")
    me.see("#timeline .text", "Увезли на склад")
    assert status_of(one) == "closed"
    assert me.complaints() == []


def test_two_browsers_see_each_others_changes(
    open_page: Open, olga: User, admin: User, incident: Report
) -> None:
    one = incident("Первый")
    me = open_page(olga)
    other = open_page(admin, "/report/", phone=True)
    other.see("#id_incident").send_keys("Второй")
    other.see("main form button.main").click()
    other.see("#facts", "Второй")
    me.see("li.row", "Второй", within=CHANGES_WITHIN)
    assert me.rows()[1] == one.pk
    me.see("#tabs .status-open b", "2")
    me.see("li.row button").click()
    other.see("#facts .chip", "In progress", within=CHANGES_WITHIN)
    other.see("#timeline", "olga")


def test_changes_move_no_row_in_view_and_leave_typed_text(
    open_page: Open, olga: User, incident: Report
) -> None:
    ids = [incident(f"Самокат {in_letters(n)}").pk for n in range(40)]
    me = open_page(olga)
    me.see("#id_q").send_keys("само")
    me.wait(lambda: "q=" in me.driver.current_url)
    me.driver.execute_script(f"document.getElementById('incident-{ids[10]}').scrollIntoView()")
    before = me.top_of(f"#incident-{ids[10]}")
    new = incident("Самокат новый")
    services.change(ids[12], Origin(olga.pk, Event.Channel.REST), status=Status.IN_PROGRESS)
    me.see(f"#incident-{ids[12]}.status-in_progress", within=CHANGES_WITHIN)
    me.see("#waiting", "1 new one")
    assert me.top_of(f"#incident-{ids[10]}") == pytest.approx(before, abs=1)
    assert me.driver.switch_to.active_element.get_attribute("value") == "само"
    me.see("#waiting").click()
    me.wait(lambda: me.rows()[0] == new.pk)
    assert me.driver.execute_script("return scrollY") == 0
    # What has left the tab stays in sight until one goes on.
    me.go("/?status=open")
    services.change(ids[39], Origin(olga.pk, Event.Channel.REST), status=Status.CLOSED)
    me.see(f"#incident-{ids[39]}.status-closed", within=CHANGES_WITHIN)


def test_a_change_made_meanwhile_is_shown_and_the_comment_kept(
    open_page: Open, olga: User, incident: Report
) -> None:
    one = incident()
    me = open_page(olga, f"/incident/{one.pk}/")
    comment = me.see("#id_comment")
    comment.send_keys("пишу дол")
    services.change(one.pk, Origin(None, Event.Channel.REST), status=Status.FAKE)
    me.see("#facts .chip", "False alarm", within=CHANGES_WITHIN)
    me.see("#live", "Somebody else")
    comment.send_keys("го")
    assert comment.get_attribute("value") == "пишу долго"
    me.driver.execute_script("document.querySelector('#choices [name=seen]').value = 'open'")
    me.see("button[value=closed]").click()
    me.see(".errors", "Nothing was overwritten")
    assert me.see("#id_comment").get_attribute("value") == "пишу долго"
    assert status_of(one) == "fake"
    me.see("button[value=closed]").click()
    me.see("#facts .chip", "Closed")
    assert one.events.latest("id").comment == "пишу долго"


def test_search_while_typing(open_page: Open, olga: User, incident: Report) -> None:
    one = incident("Ёлка на дороге")
    incident("Самокат не в сети")
    me = open_page(olga)
    me.see("#id_q").send_keys("елка")
    me.wait(lambda: me.rows() == [one.pk])
    assert "q=" in me.driver.current_url
    # A change of what does not match does not come in.
    incident("Совсем другое")
    new = incident("Вторая ёлка")
    me.wait(lambda: me.rows() == [new.pk, one.pk], within=CHANGES_WITHIN)


def test_keyboard_shortcuts(open_page: Open, olga: User, incident: Report) -> None:
    old, new = incident("Первый"), incident("Второй")
    me = open_page(olga)
    me.see("li.row")
    me.press("j", "j", "k", "j", "2")
    me.see(f"#incident-{old.pk} .chip", "In progress")
    assert (status_of(old), status_of(new)) == ("in_progress", "open")
    me.press("k", Keys.ENTER)
    me.see("#facts h1", f"#{new.pk}")
    me.press("4")
    me.see("#facts .chip", "Closed")
    me.press("?")
    me.see("dialog[open]", "next, previous incident")
    me.press("2")
    assert status_of(new) == "closed"
    me.press(Keys.ESCAPE)
    me.wait(lambda: not me.all("dialog[open]"))
    me.press("u")
    me.see("#rows")
    me.press("/", "j", "1")
    assert me.see("#id_q").get_attribute("value") == "j1"


def test_a_key_pressed_while_a_closed_dialog_still_has_the_focus_works(
    open_page: Open, olga: User, incident: Report
) -> None:
    incident("Первый")
    me = open_page(olga)
    me.see("li.row")
    me.press("?")
    me.see("dialog[open]")
    # In one turn of the page, so that no frame comes between.
    me.driver.execute_script(
        """document.querySelector("dialog[open]").close();
        const key = new KeyboardEvent("keydown", {key: "/", bubbles: true, cancelable: true});
        document.activeElement.dispatchEvent(key);"""
    )
    assert me.driver.switch_to.active_element.get_attribute("id") == "id_q"


def test_filter_the_oldest_open_incidents_of_a_source(open_page: Open, olga: User, incident: Report) -> None:
    ids = [incident(source=Source.MONITORING).pk for _n in range(4)]
    incident(source=Source.PARTNER)
    me = open_page(olga)
    me.see("#tabs .status-open").click()
    me.see("#filters summary").click()
    me.see("#id_source option[value=monitoring]").click()
    me.wait(lambda: me.rows() == ids[::-1])
    me.see(".order", "Newest first").click()
    me.wait(lambda: me.rows() == ids)
    assert me.complaints() == []


@pytest.mark.parametrize("scripts", [True, False])
def test_show_more_rows(open_page: Open, olga: User, incident: Report, scripts: bool) -> None:
    ids = [incident(f"Самокат {in_letters(n)}").pk for n in range(60)]
    me = open_page(olga, scripts=scripts)
    assert len(me.rows()) == 50
    me.driver.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": "keyDown", "key": "End"})
    me.see("#more a").click()
    shown = ids[::-1] if scripts else ids[9::-1]
    me.wait(lambda: me.rows() == shown)


def test_earlier_events_stay_when_a_new_one_comes(
    open_page: Open, olga: User, incident: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("incidents.web.views.incident.MAX_EVENTS", 3)
    one = incident()
    origin = Origin(None, Event.Channel.REST)
    for number in range(6):
        services.change(one.pk, origin, comment=f"comment {number}")
    me = open_page(olga, f"/incident/{one.pk}/")
    assert len(me.all("#timeline .text")) == 3
    me.see("#earlier a").click()
    me.wait(lambda: len(me.all("#timeline .text")) == 6)
    me.see("#earlier a").click()
    me.wait(lambda: not me.all("#earlier"))
    assert len(me.all("#timeline > li")) == 7
    services.change(one.pk, origin, comment="the newest")
    me.see("#timeline li:first-child", "the newest", within=CHANGES_WITHIN)
    assert len(me.all("#timeline > li")) == 8
    assert me.complaints() == []


def test_an_ended_session_leads_to_the_login_but_not_away_from_typed_text(
    open_page: Open, olga: User, incident: Report
) -> None:
    one = incident()
    me = open_page(olga, f"/incident/{one.pk}/")
    me.see("#id_comment").send_keys("пишу долго")
    me.driver.delete_all_cookies()
    time.sleep(CHANGES_WITHIN)
    assert me.see("#id_comment").get_attribute("value") == "пишу долго"
    me.see("#id_comment").clear()
    me.see("#id_username", within=CHANGES_WITHIN)
