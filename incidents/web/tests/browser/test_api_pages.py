"""The API's documentation and REST's browsable pages, in a real Chromium."""

from collections.abc import Callable

import pytest

from incidents.models import Incident
from incidents.web.tests.browser.conftest import Open
from incidents.web.tests.browser.test_looks import violations
from users.models import User

pytestmark = pytest.mark.browser
Report = Callable[..., Incident]


def test_the_documentation_is_accessible_and_leads_back(open_page: Open, olga: User) -> None:
    me = open_page(olga, "/api/docs/", language="ru")
    me.see(".opblock-summary-description", "Report an incident")
    assert me.see("html").get_attribute("lang") == "ru"
    assert violations(me) == []
    assert me.complaints() == []
    me.see("header a", "Очередь").click()
    me.see("#rows")


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_the_browsable_pages_are_accessible_and_their_forms_work(
    open_page: Open, olga: User, incident: Report, phone: bool
) -> None:
    one = incident()
    me = open_page(olga, "/api/incidents/", phone=phone, dark=phone)
    me.see("main details summary").click()
    assert violations(me) == []
    assert not me.moves_sideways()
    me.see("[name=description]").send_keys("Дверь")
    me.driver.execute_script("document.querySelector('[hx-post] button.main').click()")
    me.see("pre", "HTTP 201 Created")
    me.go(f"/api/incidents/{one.pk}/")
    assert violations(me) == []
    me.driver.execute_script("document.querySelector('#body_status').value = 'closed'")
    me.driver.execute_script("document.querySelector('[hx-put] button.main').click()")
    me.see("pre", '"status": "closed"')
    me.go(f"/api/incidents/{one.pk}/history/")
    assert violations(me) == []
    assert me.complaints() == []
