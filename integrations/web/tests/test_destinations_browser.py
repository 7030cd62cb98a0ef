"""Destinations in a real Chromium: added, tested and repaired, with a dispatcher and a receiver."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from incidents import services
from incidents.models import Event, Source
from incidents.services import NewIncident, Origin
from incidents.web.tests.browser.conftest import PHONE, Open, browsers, open_page
from incidents.web.tests.browser.test_looks import violations
from integrations.outbound.dispatcher import Dispatcher
from integrations.outbound.models import Delivery, Destination
from testing.receiver import Answer, Receiver, listening
from testing.viewer import Viewer
from users.models import User

pytestmark = pytest.mark.browser
__all__ = ["browsers", "open_page"]


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.OUTBOUND_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    with listening() as receiver:
        yield receiver


@pytest.fixture
def dispatcher(transactional_db: None) -> Iterator[Dispatcher]:
    """A dispatcher in a thread; tests need no process of its own."""
    dispatcher = Dispatcher()

    def run() -> None:
        dispatcher.run()
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    yield dispatcher
    dispatcher.stop()
    thread.join()


def report(text: str) -> int:
    return services.create(NewIncident(text, Source.MONITORING), Origin(None, Event.Channel.COMMAND)).id


def click(me: Viewer, selector: str) -> None:
    """Click an element in the middle of the screen, where no bar covers it."""
    element = me.see(selector)
    me.driver.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", element)
    element.click()


def add_hook(me: Viewer, url: str) -> None:
    click(me, 'a[href$="/destinations/new/webhook/"]')
    me.see("#id_address").send_keys(url)
    click(me, "main button.main")
    me.see(".notice code", "whsec_")


def check_looks(me: Viewer) -> None:
    assert violations(me) == []
    assert not me.moves_sideways()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_a_destination_is_added_tested_and_told(
    open_page: Open, admin: User, receiver: Receiver, dispatcher: Dispatcher, phone: bool, dark: bool
) -> None:
    me = open_page(admin, "/connections/", phone=phone, dark=dark, language="ru" if dark else "en")
    if phone:
        me.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE | {"width": 320})
    add_hook(me, receiver.url)
    check_looks(me)
    click(me, "#test button.main")
    me.see("#test .notice", "204")
    check_looks(me)
    receiver.answer = lambda _received: Answer(500, {}, b"out of order " + b"x" * 200)
    click(me, "#test button.main")
    me.see("#test .errors", "500")
    assert "out of order" in me.see("#test pre").text
    check_looks(me)
    report("Самокат не в сети")
    me.wait(lambda: Delivery.objects.filter(attempts=1).exists())
    Delivery.objects.update(state="dead", finished_at=timezone.now())
    me.go(f"/connections/destinations/{Destination.objects.get().pk}/")
    click(me, "#deliveries summary")
    click(me, "#settings summary")
    check_looks(me)
    receiver.answer = lambda _received: Answer()
    click(me, '#deliveries form[action*="/resend/"] button')
    me.wait(lambda: Delivery.objects.filter(state="done").exists())
    me.go("/connections/")
    check_looks(me)
    me.go("/connections/destinations/new/telegram/")
    click(me, "main summary")
    check_looks(me)
    assert me.complaints() == []


def test_all_of_it_works_without_scripts(
    open_page: Open, admin: User, receiver: Receiver, dispatcher: Dispatcher
) -> None:
    me = open_page(admin, "/connections/", scripts=False)
    add_hook(me, receiver.url)
    click(me, "#test button.main")

    def has_arrived() -> bool:
        for link in me.all("#test a.button"):
            link.click()
        return bool(me.all("#test .notice"))

    me.wait(has_arrived)
    report("Самокат не в сети")
    me.wait(lambda: Delivery.objects.filter(state="done").exists())
    click(me, 'form[action$="/rotate/"] button')
    me.see(".notice code", "whsec_")
    click(me, 'form[action$="/switch/"] button')
    me.see("main .errors")
    me.see('form[action$="/delete/"]')
    click(me, "section:last-of-type details summary")
    click(me, 'form[action$="/delete/"] button')
    me.wait(lambda: not Destination.objects.exists())


def test_the_page_says_when_nothing_is_delivered(open_page: Open, admin: User, receiver: Receiver) -> None:
    me = open_page(admin, "/connections/", language="ru")
    add_hook(me, receiver.url)
    Destination.objects.update(failing_since=timezone.now() - timedelta(hours=1))
    me.go("/connections/")
    me.see(".errors", "ничего не доставляется")
    me.see("#destinations .off")
    check_looks(me)
    me.go("/")
    me.see("main .errors", "ничего не доставляется")
    check_looks(me)
