"""The account's menu, the management and the sweeping of the queue, in a real Chromium."""

from collections.abc import Callable

import pytest

from incidents import services
from incidents.models import Event, Incident, Status
from incidents.services import Origin
from incidents.web.tests.browser.conftest import Open
from incidents.web.tests.browser.test_looks import violations
from testing.viewer import CHANGES_WITHIN
from users.models import User

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_the_menu_sets_the_theme_and_the_language(open_page: Open, admin: User, phone: bool) -> None:
    me = open_page(admin, "/report/", phone=phone)
    light = me.driver.execute_script("return getComputedStyle(document.body).backgroundColor")
    me.see(".account > button").click()
    assert me.see("#account button:last-of-type").is_displayed()
    assert violations(me) == []
    assert not me.moves_sideways()
    assert [one.text for one in me.all("#account > *")][-1] == "Log out"
    me.see("#account button[value=dark]").click()
    me.wait(
        lambda: me.driver.execute_script("return getComputedStyle(document.body).backgroundColor") != light
    )
    me.see(".account > button").click()
    me.see("#account button[value=ru]").click()
    me.see("h1", "Сообщить об инциденте")
    me.see(".account > button").click()
    me.press("\ue00c")  # Escape
    assert not me.see("#account").is_displayed()
    assert me.complaints() == []


def test_a_superuser_invites_a_colleague(open_page: Open, admin: User) -> None:
    me = open_page(admin, "/", phone=True, dark=True, language="ru")
    me.see('.navigation a[href="/people/"]').click()
    me.see("#id_username").send_keys("ivan")
    assert violations(me) == []
    me.see("main button.main").click()
    link = me.see("#link").text
    assert violations(me) == []
    assert not me.moves_sideways()
    other = open_page(None, link.removeprefix(me.url), scripts=False)
    for name in ("new_password1", "new_password2"):
        other.see(f"#id_{name}").send_keys("seven green umbrellas")
    other.see("main button.main").click()
    other.see(".notice", "Welcome")


def test_finished_rows_are_swept_from_the_list(
    open_page: Open, olga: User, incident: Callable[..., Incident]
) -> None:
    one, other = incident(), incident()
    me = open_page(olga, "/")
    assert not me.see(".sweep").is_displayed()
    services.change(one.pk, Origin(None, Event.Channel.REST), status=Status.CLOSED)
    me.see(f"#incident-{one.pk}.status-closed", within=CHANGES_WITHIN)
    me.see(".sweep a").click()
    me.wait(lambda: me.rows() == [other.pk])
    assert not me.see(".sweep").is_displayed()
