"""The page of connections in a real Chromium: an administrator connects a sender and sees its first event."""

import pytest

from incidents.web.tests.browser.conftest import Open, browsers, open_page
from incidents.web.tests.browser.test_looks import violations
from testing.clients import new_client
from testing.viewer import Viewer
from users.models import User

pytestmark = pytest.mark.browser
__all__ = ["browsers", "open_page"]


def connect(me: Viewer) -> str:
    """Connect with four presses, and return the token that the page shows."""
    me.see('.navigation a[href="/people/"]').click()
    me.see('.management a[href="/connections/"]').click()
    me.see('a[href$="/new/generic/"]').click()
    me.see("main button.main").click()
    return me.see(".notice code").text


def fire(token: str) -> None:
    response = new_client().post(
        "/hooks/generic/", {"title": "Disk is full"}, headers={"Authorization": f"Bearer {token}"}
    )
    assert response.status_code == 202


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_four_presses_connect_and_the_first_event_arrives_by_itself(
    open_page: Open, admin: User, phone: bool, dark: bool
) -> None:
    me = open_page(admin, phone=phone, dark=dark, language="ru" if dark else "en")
    token = connect(me)
    me.see("#posts .waiting")
    assert violations(me) == []
    assert not me.moves_sideways()
    fire(token)
    me.see("#posts .post")
    assert violations(me) == []
    me.go("/connections/")
    assert violations(me) == []
    assert not me.moves_sideways()
    me.go("/connections/new/zabbix/")
    assert violations(me) == []
    assert me.complaints() == []


def test_it_works_without_scripts(open_page: Open, admin: User) -> None:
    me = open_page(admin, scripts=False)
    fire(connect(me))
    me.see("#posts .button").click()
    me.see("#posts .post")
