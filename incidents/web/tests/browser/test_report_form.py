"""The form that reports an incident, in a real Chromium."""

from collections.abc import Callable

import pytest

from incidents.models import Incident
from incidents.web.tests.browser.conftest import Open
from incidents.web.tests.browser.test_looks import violations
from users.models import User

pytestmark = pytest.mark.browser
Report = Callable[..., Incident]


def test_it_hints_at_what_is_like_it_and_takes_what_is_reported(
    open_page: Open, olga: User, incident: Report
) -> None:
    one = incident("Самокат 104233 не в сети")
    me = open_page(olga, "/report/", phone=True, dark=True)
    # The cursor is in the field.
    me.press("Самокат 104233")
    me.see("#similar a[href$='#id_comment']")
    assert one.pk
    assert not me.see("#id_date").is_displayed()
    me.see(".when label:last-child").click()
    assert me.see("#id_date").is_displayed()
    assert violations(me) == []
    assert not me.moves_sideways()
    me.see(".when label:nth-child(2)").click()
    assert me.complaints() == []
    take = me.see("button[name=take]")
    me.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", take)
    take.click()
    me.see("#facts .chip", "In progress")
    me.see(".notice a", "Report another")
    me.see(".correct summary").click()
    me.see("#correct_incident").send_keys(" у метро")
    assert violations(me) == []
    me.see(".correct button").click()
    me.see("#facts > .text", "Самокат 104233 у метро")


def test_a_hint_that_finds_no_connection_says_and_sends_nothing(open_page: Open, olga: User) -> None:
    me = open_page(olga, "/report/")
    me.driver.execute_cdp_cmd("Network.enable", {})
    offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    me.driver.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    me.driver.execute_script(
        "addEventListener('htmx:sendError', () => document.documentElement.classList.add('tried'))"
    )
    me.press("Самокат 104233")
    me.see("html.tried")
    assert me.see("#id_incident").get_attribute("value") == "Самокат 104233"
    assert not me.all(".failed")
    assert not me.driver.execute_script("return localStorage.getItem('outbox olga')?.includes('104233')")
    me.driver.execute_cdp_cmd(
        "Network.emulateNetworkConditions",
        offline | {"offline": False, "downloadThroughput": -1, "uploadThroughput": -1},
    )
