"""Every page for every eye: phone and desktop, light and dark, Russian and English, WCAG AA by axe."""

from collections.abc import Callable

import pytest
from axe_core_python.selenium import Axe

from incidents.models import Incident, Source, Status
from incidents.web.tests.browser.conftest import Open
from testing.viewer import Viewer
from users.models import User

pytestmark = pytest.mark.browser
Report = Callable[..., Incident]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
HOSTILE = "<script>document.title = 'broken'</script>\u202e\u2066" + "x" * 9_900


def violations(me: Viewer) -> list[str]:
    # Colours are judged when they stand still.
    me.driver.execute_script("document.getAnimations().forEach(each => each.finish())")
    found = Axe().run(me.driver, options=RULES)["violations"]
    return [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_every_page_is_accessible(
    open_page: Open, olga: User, incident: Report, phone: bool, dark: bool
) -> None:
    for status in Status:
        incident(f"Самокат {status}", status=status, source=Source.MONITORING)
    one = incident(HOSTILE)
    me = open_page(olga, phone=phone, dark=dark, language="ru" if dark else "en")
    for path in ("/?status=all", f"/incident/{one.pk}/", "/report/", "/statistics/", "/incident/1/nowhere/"):
        me.go(path)
        me.see("main")
        assert violations(me) == [], path
        assert not me.moves_sideways(), path
        # Not what a script in the text would make of it.
        assert me.driver.title != "broken"
    me.driver.delete_all_cookies()
    me.go("/")
    me.see("#id_username")
    assert violations(me) == []
    assert not me.moves_sideways()


def test_the_filters_and_the_dialog_of_the_keys_are_accessible(
    open_page: Open, olga: User, incident: Report
) -> None:
    incident()
    me = open_page(olga, "/?source=operator")
    me.see("#filters summary", "1").click()
    me.see("#filters details[open] select")
    me.see(".chips a", "Operator")
    assert violations(me) == []
    me.press("?")
    me.see("dialog[open]")
    assert violations(me) == []


def test_markup_in_texts_is_escaped(open_page: Open, olga: User, incident: Report) -> None:
    one = incident(HOSTILE)
    me = open_page(olga)
    me.see(f"#incident-{one.pk} a", "<script>document.title = 'broken'</script>")
    # The text's own direction ends with it: the row's other parts stand as they always do.
    order = (
        "return [...document.querySelectorAll('li.row .meta > *')].map(e => e.getBoundingClientRect().left)"
    )
    lefts = me.driver.execute_script(order)
    assert lefts == sorted(lefts)
    me.go(f"/incident/{one.pk}/")
    assert HOSTILE.endswith(me.see("#facts .text").text[-5000:])
    assert me.complaints() == []


def test_times_are_in_the_viewers_time_zone(open_page: Open, olga: User, incident: Report) -> None:
    one = incident()
    me = open_page(None, "/login/")
    me.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "Asia/Tokyo"})
    me.go("/login/")
    me.wait(lambda: me.driver.get_cookie("timezone") is not None)
    other = open_page(olga, f"/incident/{one.pk}/")
    other.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "Asia/Tokyo"})
    other.go(f"/incident/{one.pk}/")
    other.see("#facts time[title$='(JST)']")
