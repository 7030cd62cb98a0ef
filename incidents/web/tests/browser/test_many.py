"""A queue in which much happens: many rows at once, storms, what is new while nobody looks."""

from collections.abc import Callable

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from incidents import services
from incidents.models import Event, Incident, Status
from incidents.services import Origin
from incidents.web.tests.browser.conftest import Open
from incidents.web.tests.browser.test_list import type_key
from testing.viewer import CHANGES_WITHIN
from users.models import User

pytestmark = pytest.mark.browser
Report = Callable[..., Incident]


def test_many_rows_are_changed_and_undone_at_once(open_page: Open, olga: User, incident: Report) -> None:
    ids = [incident(f"Самокат {name}").pk for name in "абвгд"]
    me = open_page(olga, language="ru")
    me.see(f"#incident-{ids[4]} .select input").click()
    box = me.see(f"#incident-{ids[2]} .select input")
    ActionChains(me.driver).key_down(Keys.SHIFT).click(box).key_up(Keys.SHIFT).perform()
    count = "return [...document.querySelectorAll('.select :checked')].length"
    assert me.driver.execute_script(count) == 3
    # Somebody else comes between.
    services.change(ids[3], Origin(None, Event.Channel.REST), status=Status.CLOSED)
    me.see("#bulk input[name=comment]").send_keys("всё")
    me.see("#bulk button[value=resolved]", "Решить").click()
    me.see(".undo", f"Решено: 2, №{ids[3]}: Закрыт")
    me.see(f"#incident-{ids[4]} .chip", "Решён")
    assert not me.see("#bulk", within=1).is_displayed()
    assert Event.objects.filter(comment="всё").count() == 2
    type_key(me, "я", "KeyZ")
    me.see(".undo", "Отменено: 2")
    assert Incident.objects.filter(status="open").count() == 4
    # By keyboard: the row in focus, then all of the group.
    type_key(me, "о", "KeyJ")
    type_key(me, "ч", "KeyX")
    assert me.driver.execute_script(count) == 1
    me.see("[data-select-all]", "Выбрать все").click()
    assert me.driver.execute_script(count) == 5
    me.see("#bulk button[type=reset]", "Снять").click()
    assert me.driver.execute_script(count) == 0
    assert me.complaints() == []


def test_a_storm_that_comes_while_the_queue_is_open_is_folded(
    open_page: Open, olga: User, incident: Report
) -> None:
    one = incident("Другой")
    me = open_page(olga)
    me.see("li.row")
    for number in range(8):
        incident(f"Самокат {number} не в сети")
    me.see(".storm summary", "×8", within=CHANGES_WITHIN)
    assert one.pk in me.rows()
    me.see(".storm [data-select-all]").click()
    me.see("#bulk button[value=fake]").click()
    me.see(".undo", "False alarms: 8")
    assert Incident.objects.filter(status="fake").count() == 8


def test_on_a_phone_a_long_press_selects(open_page: Open, olga: User, incident: Report) -> None:
    one = incident("Первый")
    me = open_page(olga, phone=True)
    row = me.see(f"#incident-{one.pk} .what a").rect
    point = {"x": row["x"] + 20, "y": row["y"] + 10}
    assert not me.see(f"#incident-{one.pk}").find_element("css selector", ".select").is_displayed()
    touch = {"type": "touchStart", "touchPoints": [point]}
    me.driver.execute_cdp_cmd("Input.dispatchTouchEvent", touch)
    me.wait(lambda: bool(me.all(".select :checked")))
    me.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    me.see("#bulk button[value=in_progress]").click()
    me.see(".undo", "Taken: 1")
    assert me.driver.current_url.endswith("/")


def test_a_bell_notifies_while_nobody_looks(open_page: Open, olga: User, incident: Report) -> None:
    incident("Старый")
    me = open_page(olga, language="ru")
    assert me.driver.title.startswith("(1) Очередь")
    me.driver.execute_cdp_cmd("Browser.grantPermissions", {"permissions": ["notifications"]})
    bell = me.see("#bell")
    assert bell.get_attribute("aria-pressed") == "false"
    bell.click()
    me.wait(lambda: bell.get_attribute("aria-pressed") == "true")
    # The tab is not looked at; waiting 15 seconds for each poll would be long.
    me.driver.execute_script(
        "Object.defineProperty(document, 'hidden', {get: () => true, configurable: true})"
    )
    new = incident("Самокат упал")
    notifications = """const [done] = arguments;
        navigator.serviceWorker.ready.then((it) => it.getNotifications())
          .then((all) => done(all.map((one) => `${one.title}: ${one.body}`)));"""
    expected = [f"Новый инцидент №{new.pk}: Самокат упал"]
    me.wait(lambda: me.driver.execute_async_script(notifications) == expected)
    assert "icon-new" in str(me.all("link[rel=icon]")[0].get_attribute("href"))
    assert me.driver.title.startswith("(2) ")
