"""The page without a network: what was seen last, and a report that waits for the connection."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from incidents.web.tests.browser.conftest import CHROMIUM, DRIVER, become, start
from testing.service import PASSWORD, free_port, served
from testing.viewer import Viewer

pytestmark = pytest.mark.browser


@pytest.fixture
def me(browsers: list[Chrome]) -> Iterator[Viewer]:
    if not CHROMIUM or not DRIVER:
        pytest.skip("Chromium and its driver are not installed (Debian: chromium chromium-driver)")
    driver = browsers.pop() if browsers else start()
    become(driver, phone=True, language="en", dark=False, scripts=True)
    yield Viewer(driver, f"http://127.0.0.1:{free_port()}")
    browsers.append(driver)


def test_without_a_network_the_last_list_is_shown_and_a_report_waits(me: Viewer, tmp_path: Path) -> None:
    place = {"PORT": me.url.rpartition(":")[2], "DATA_DIR": str(tmp_path / "data"), "DATABASE_URL": ""}
    with served(**place) as service:
        create = {"source": "monitoring", "incident": "A scooter is in the river"}
        service.post("/incidents/create/", token=service.token(), **create)
        me.go("/")
        me.see("[name=username]").send_keys("admin")
        me.see("[name=password]").send_keys(PASSWORD, "\n")
        me.see("li.row", "in the river")
        me.wait(lambda: bool(me.driver.execute_script("return navigator.serviceWorker.controller")))
        me.go("/report/")
        me.go("/")
    me.go("/?source=partner")
    me.see("li.row", "in the river")
    me.see("#connection", "No connection. What you see is of")
    me.go("/statistics/")
    me.see("h1", "No connection")
    me.go("/report/")
    me.see("#report textarea").send_keys("Typed in a tunnel")
    me.see("#report button.main").click()
    me.see("#outbox", "sent when the connection is back: 1")
    assert not me.see("#report textarea").get_attribute("value")
    me.go("/report/")
    me.see("#outbox", "sent when the connection is back: 1")
    with served(**place) as service:
        me.go("/report/")
        me.wait(lambda: not me.see("#outbox").text)
        me.go("/")
        me.see("li.row", "Typed in a tunnel")
        assert service.rows("SELECT COUNT(*) AS number FROM incidents_incident") == [{"number": 2}]
        me.see(".account > button").click()
        me.see("#logout button").click()
        me.see("[name=username]")
    me.go("/")
    me.see("h1", "No connection")
