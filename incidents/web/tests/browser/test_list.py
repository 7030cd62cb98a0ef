"""An open queue under somebody's hands: new rows wait, presses can be undone, keys work on every layout."""

import time
from collections.abc import Callable
from functools import partial

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from incidents import services
from incidents.models import Event, Incident, Status
from incidents.services import Origin
from incidents.web.tests.browser.conftest import Open
from incidents.web.tests.browser.test_working import status_of
from testing.viewer import CHANGES_WITHIN, Viewer
from users.models import User

pytestmark = pytest.mark.browser
Report = Callable[..., Incident]


def hover(me: Viewer, selector: str) -> None:
    ActionChains(me.driver).move_to_element(me.see(selector)).perform()


def type_key(me: Viewer, key: str, code: str, *, shift: bool = False) -> None:
    """Press a key as a keyboard of another layout sends it."""
    event = {"key": key, "code": code, "text": key, "modifiers": 8 if shift else 0}
    me.driver.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": "keyDown", **event})
    me.driver.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": "keyUp", **event})


def focused(me: Viewer) -> str:
    script = "return (document.activeElement.closest('li.row') ?? document.activeElement).id"
    return str(me.driver.execute_script(script))


def test_new_rows_wait_while_the_pointer_is_in_the_list(
    open_page: Open, olga: User, incident: Report
) -> None:
    ids = [incident(f"Самокат {n}").pk for n in range(3)]
    me = open_page(olga, language="ru")
    hover(me, f"#incident-{ids[1]} form button")
    before = me.top_of(f"#incident-{ids[1]}")
    new = [incident(f"Новый {n}").pk for n in range(2)]
    me.see("#waiting", "▲ 2 новых — показать", within=CHANGES_WITHIN)
    assert me.top_of(f"#incident-{ids[1]}") == before
    me.see(f"#incident-{ids[1]} form button").click()
    me.see(f"#incident-{ids[1]} .chip", "В работе")
    assert [status_of(each) for each in Incident.objects.filter(pk__in=new)] == ["open", "open"]
    me.press(".")
    me.wait(lambda: me.rows() == [*new[::-1], *ids[::-1]])
    assert not me.see("body").find_element("id", "waiting").is_displayed()


def test_on_a_phone_new_rows_always_wait(open_page: Open, olga: User, incident: Report) -> None:
    one = incident("Первый")
    me = open_page(olga, phone=True)
    me.see("li.row")
    new = incident("Второй")
    me.see("#waiting", "1 new one", within=CHANGES_WITHIN)
    assert me.rows() == [one.pk]
    me.see("#waiting").click()
    me.wait(lambda: me.rows() == [new.pk, one.pk])


def test_a_press_just_after_rows_have_moved_takes_nothing(
    open_page: Open, olga: User, incident: Report
) -> None:
    one = incident("Первый")
    me = open_page(olga)
    place = me.see(f"#incident-{one.pk} form button").rect
    # At the point of the button, in the same turn of the page in which the new row comes in.
    me.driver.execute_script(
        """const [x, y] = arguments;
        new MutationObserver(() => {
          window.hit ??= document.elementFromPoint(x, y).tagName;
        }).observe(document.getElementById("rows"), {childList: true, attributes: true});""",
        place["x"] + place["width"] / 2,
        place["y"] + place["height"] / 2,
    )
    new = incident("Второй")
    me.see(f"#incident-{new.pk}", within=CHANGES_WITHIN)
    assert me.driver.execute_script("return window.hit") not in ("BUTTON", "A")
    me.wait(lambda: not me.all(".moving"))
    me.see(f"#incident-{new.pk} form button").click()
    me.see(f"#incident-{new.pk} .chip", "In progress")


def test_every_new_row_is_announced_and_the_message_goes(
    open_page: Open, olga: User, incident: Report
) -> None:
    incident()
    me = open_page(olga)
    # With reduced motion nothing ends by an animation.
    features = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    me.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    for _n in range(2):
        new = incident()
        me.see("#live p", "New incidents: 1", within=CHANGES_WITHIN)
        mark = "return getComputedStyle(document.getElementById(arguments[0])).backgroundColor"
        background = me.driver.execute_script(mark, f"incident-{new.pk}")
        assert background != me.driver.execute_script(mark, me.all("li.row")[-1].get_attribute("id"))
        me.wait(lambda: not me.all("#live p"))


def test_what_came_since_the_last_look_is_marked(open_page: Open, olga: User, incident: Report) -> None:
    old = incident("Старый")
    me = open_page(olga, language="ru")
    me.see("li.row")
    assert not me.all(".since, .unseen-yet")
    me.driver.switch_to.new_window("tab")
    time.sleep(0.5)
    new = incident("Новый")
    other = me.driver.current_window_handle
    me.driver.switch_to.window(next(one for one in me.driver.window_handles if one != other))
    me.see(f"#incident-{new.pk}.unseen-yet", within=CHANGES_WITHIN)
    me.see(".since", "С вашего прошлого взгляда, ")
    order = "return [...document.querySelectorAll('#rows > li:not(.group)')].map(e => e.id || e.className)"
    assert me.driver.execute_script(order) == [f"incident-{new.pk}", "since", f"incident-{old.pk}"]
    me.driver.switch_to.window(other)
    me.driver.close()
    me.driver.switch_to.window(me.driver.window_handles[0])


def test_a_press_in_the_queue_can_be_undone(open_page: Open, olga: User, incident: Report) -> None:
    one = incident()
    me = open_page(olga, language="ru")
    me.see("li.row form button").click()
    me.see(".undo", f"№{one.pk} взят в работу")
    # The button is gone, the focus is where j and k go on.
    assert focused(me) == f"incident-{one.pk}"
    type_key(me, "я", "KeyZ")
    me.see("li.row .chip", "Открыт")
    assert status_of(one) == "open"
    assert Incident.objects.get().assignee is None
    undone = one.events.filter(kind=Event.Kind.STATUS_CHANGED).latest("id")
    assert (undone.status_to, undone.comment) == ("open", "Возвращено")
    assert focused(me) == f"incident-{one.pk}"
    # Somebody else comes between.
    me.press("6")
    me.see(".undo", "ложная тревога")
    services.change(one.pk, Origin(None, Event.Channel.REST), status=Status.CLOSED)
    me.see(".undo button").click()
    me.see("li.row .errors", "Ничего не перезаписано")
    assert status_of(one) == "closed"


def test_a_change_of_an_incident_can_be_undone_for_ten_seconds(
    open_page: Open, olga: User, incident: Report
) -> None:
    one = incident()
    me = open_page(olga, f"/incident/{one.pk}/")
    me.press("5")
    me.see(".undo", f"#{one.pk} is cancelled")
    assert me.driver.switch_to.active_element.tag_name == "h1"
    me.see(".undo button", "Undo").click()
    me.see("#facts .chip", "Open")
    me.press("2")
    me.see("#facts .chip", "In progress")
    me.see("#choices button[value=open]", "Give back to the queue")
    me.wait(lambda: not me.all(".undo"))


def test_a_press_can_be_undone_without_scripts(open_page: Open, olga: User, incident: Report) -> None:
    one = incident()
    me = open_page(olga, f"/incident/{one.pk}/", scripts=False)
    me.see("button[value=closed]").click()
    me.see(".undo button").click()
    me.see("#facts .chip", "Open")
    assert status_of(one) == "open"


def test_the_keys_of_a_russian_layout(open_page: Open, olga: User, incident: Report) -> None:
    old, new = incident("Первый"), incident("Второй")
    me = open_page(olga, language="ru")
    me.see("li.row")
    type_key(me, "о", "KeyJ")
    assert focused(me) == f"incident-{new.pk}"
    type_key(me, "о", "KeyJ")
    assert focused(me) == f"incident-{old.pk}"
    type_key(me, "л", "KeyK")
    assert focused(me) == f"incident-{new.pk}"
    type_key(me, ".", "Slash")
    assert focused(me) == "id_q"
    me.press(Keys.ESCAPE)
    for key, code in ((",", "Slash"), ("?", "Digit7")):
        type_key(me, key, code, shift=True)
        assert "j k / о л" in me.see("dialog#keys[open]").text.replace("\n", " ")
        me.press(Keys.ESCAPE)
        me.wait(lambda: not me.all("dialog[open]"))
    type_key(me, "т", "KeyN")
    me.see("#id_incident")
    me.press(Keys.ESCAPE)
    type_key(me, "г", "KeyU")
    me.see(f"#incident-{new.pk} a").click()
    me.see("#id_comment")
    type_key(me, "с", "KeyC")
    assert focused(me) == "id_comment"
    me.see("#id_comment").send_keys("едем", Keys.CONTROL, Keys.ENTER)
    me.see("#timeline .text", "едем")
    # On a Latin layout the letter counts, not where it is: Dvorak's j is on the key C.
    me.go("/")
    me.see("li.row")
    type_key(me, "j", "KeyC")
    assert focused(me) == f"incident-{new.pk}"


def test_the_way_back_leads_to_the_queue_with_its_filters(
    open_page: Open, olga: User, incident: Report
) -> None:
    one = incident("Самокат 104233 упал")
    me = open_page(olga, "/?status=open&order=oldest", language="ru")
    assert f"№{one.pk}" in me.see("li.row .id").text
    me.see("li.row a").click()
    me.see("#facts")
    assert me.driver.title == f"№{one.pk} Самокат 104233 упал · Инциденты"

    def click_queue() -> None:
        me.see(".navigation a", "Очередь").click()

    for leave in (partial(me.press, "u"), click_queue):
        leave()
        me.see("#rows")
        # With its place.
        url, _hash, place = me.driver.current_url.partition("#")
        assert url.endswith("/?status=open&order=oldest")
        assert place in (f"incident-{one.pk}", "")
        me.go(f"/incident/{one.pk}/?status=open&order=oldest")


def test_a_tap_or_click_on_the_age_opens_the_incident(open_page: Open, olga: User, incident: Report) -> None:
    one = incident()
    for phone in (True, False):
        me = open_page(olga, phone=phone)
        # What lies there is pressed, be it the link above.
        ActionChains(me.driver).move_to_element(me.see("li.row time")).click().perform()
        me.see("#facts h1", f"#{one.pk}")


@pytest.mark.parametrize("scripts", [True, False])
def test_after_an_invalid_report_the_field_has_the_focus(open_page: Open, olga: User, scripts: bool) -> None:
    me = open_page(olga, "/report/", scripts=scripts)
    me.see("#report button.main").click()
    me.see("#id_incident_error")
    assert me.driver.switch_to.active_element.get_attribute("id") == "id_incident"
