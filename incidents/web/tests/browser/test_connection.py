"""What an operator loses when the session ends, the network drops or the service fails: nothing."""

from collections.abc import Callable, Iterator

import pytest
from selenium.webdriver.common.keys import Keys

from incidents.models import Incident, Status
from incidents.web.tests.browser.conftest import Open
from incidents.web.tests.browser.test_working import status_of
from testing.viewer import CHANGES_WITHIN, Viewer
from users.models import User
from users.roles import Role

pytestmark = pytest.mark.browser
Report = Callable[..., Incident]


def cut_network(me: Viewer, *, off: bool = True) -> None:
    me.driver.set_network_conditions(offline=off, latency=0, throughput=-1)


@pytest.fixture
def open_online(open_page: Open) -> Iterator[Open]:
    used: list[Viewer] = []

    def open_as(*args: object, **options: object) -> Viewer:
        me = open_page(*args, **options)
        used.append(me)
        return me

    yield open_as
    for me in used:
        cut_network(me, off=False)


def log_in_again(me: Viewer, password: str) -> None:
    me.see("#login[open]", "The session has ended")
    assert me.see("#login [name=username]").get_attribute("value") == "olga"
    me.see("#login [name=password]").send_keys(password + Keys.ENTER)


@pytest.mark.parametrize("cookies", ["session", "all"])
def test_a_comment_survives_the_end_of_the_session(
    open_page: Open, olga: User, password: str, incident: Report, cookies: str
) -> None:
    one = incident()
    me = open_page(olga, f"/incident/{one.pk}/")
    me.see("#id_comment").send_keys("увезли на склад")
    me.driver.delete_cookie("sessionid") if cookies == "session" else me.driver.delete_all_cookies()
    me.see("button[value=resolved]").click()
    me.see("#login[open]")
    assert me.see("#id_comment").get_attribute("value") == "увезли на склад"
    me.see("#login [name=password]").send_keys("wrong" + Keys.ENTER)
    me.see("#login .errors", "correct")
    assert me.driver.switch_to.active_element.get_attribute("name") == "password"
    assert status_of(one) == "open"
    me.see("#login [name=password]").send_keys(password + Keys.ENTER)
    me.see("#facts .chip", "Resolved")
    me.see("#timeline .text", "увезли на склад")
    assert not me.all("dialog#login")
    assert me.see("#id_comment").get_attribute("value") == ""
    # The session is a new one, the token of the forms too: the next press works at once.
    me.see("button[value=closed]").click()
    me.see("#facts .chip", "Closed")


def test_a_row_and_a_search_survive_the_end_of_the_session(
    open_page: Open, olga: User, password: str, incident: Report
) -> None:
    one, other = incident("Первый"), incident("Второй")
    me = open_page(olga)
    me.see(f"#incident-{one.pk} button")
    me.driver.delete_cookie("sessionid")
    me.see(f"#incident-{one.pk} form button").click()
    log_in_again(me, password)
    me.see(f"#incident-{one.pk} .chip", "In progress")
    me.driver.delete_cookie("sessionid")
    me.see("#id_q").send_keys("второй")
    log_in_again(me, password)
    me.wait(lambda: me.rows() == [other.pk])
    # Keys press without a form.
    me.driver.delete_cookie("sessionid")
    me.see(f"#incident-{other.pk} a").send_keys("2")
    log_in_again(me, password)
    me.see(f"#incident-{other.pk} .chip", "In progress")
    # A login that is refused leaves everything, and says what was not sent.
    me.driver.delete_cookie("sessionid")
    me.see(f"#incident-{other.pk} a").send_keys("4")
    me.see("#login[open]")
    me.press(Keys.ESCAPE)
    me.see(f"#incident-{other.pk} .failed", "Not sent: the session has ended.")
    me.see("#connection", "The session has ended. What you see is of")
    me.see(".failed button").click()
    log_in_again(me, password)
    me.see(f"#incident-{other.pk} .chip", "Closed")
    me.wait(lambda: not me.all("body.stale"))


def test_another_user_who_logs_in_sends_nothing_of_the_first(
    open_page: Open, olga: User, admin: User, password: str, incident: Report
) -> None:
    one = incident()
    me = open_page(olga, f"/incident/{one.pk}/")
    me.see("#id_comment").send_keys("от Ольги")
    me.driver.delete_cookie("sessionid")
    me.see("button[value=resolved]").click()
    me.see("#login [name=username]").clear()
    me.see("#login [name=username]").send_keys("admin")
    me.see("#login [name=password]").send_keys(password + Keys.ENTER)
    me.see(".account .name", "admin")
    assert me.see("#id_comment").get_attribute("value") == ""
    assert status_of(one) == "open"


def test_an_open_page_without_a_session_asks_for_a_login_and_goes_on(
    open_page: Open, olga: User, password: str, incident: Report
) -> None:
    one = incident("Первый")
    me = open_page(olga)
    me.see("li.row")
    me.driver.delete_cookie("sessionid")
    new = incident("Второй")
    me.see("#login[open]", within=CHANGES_WITHIN)
    assert me.rows() == [one.pk]
    log_in_again(me, password)
    me.see(f"#incident-{new.pk}", within=CHANGES_WITHIN)


def test_a_report_survives_the_end_of_the_session_and_of_the_network(
    open_online: Open, olga: User, password: str
) -> None:
    me = open_online(olga, "/report/")
    me.see("#id_incident").send_keys("Самокат в реке")
    cut_network(me)
    me.see("#report button.main").click()
    me.see("#outbox", "sent when the connection is back: 1")
    cut_network(me, off=False)
    me.wait(lambda: not me.see("#outbox").text)
    assert [one.description for one in Incident.objects.all()] == ["Самокат в реке"]
    me.see("#id_incident").send_keys("Самокат на дереве")
    # A reload loses nothing either.
    me.go("/report/")
    me.see(".draft", "Unsent text is restored")
    me.driver.delete_cookie("sessionid")
    me.see("#report button.main").click()
    log_in_again(me, password)
    me.see("#facts", "Самокат на дереве")
    me.go("/report/")
    assert me.see("#id_incident").get_attribute("value") == ""


def test_without_a_network_every_press_says_so_and_can_be_repeated(
    open_online: Open, olga: User, incident: Report
) -> None:
    one, other = incident("Тормоз"), incident("Второй")
    me = open_online(olga)
    cut_network(me)
    me.see(f"#incident-{one.pk} form button").click()
    me.see(f"#incident-{one.pk} .failed", "Not sent: no connection.")
    me.see("#connection", "No connection. What you see is of")
    me.see("#id_q").send_keys("тормоз")
    me.see("#queue .failed", "Not searched: no connection.")
    assert me.rows() == []
    cut_network(me, off=False)
    # The search is repeated by itself, as the page says.
    me.wait(lambda: me.rows() == [one.pk], within=CHANGES_WITHIN)
    assert status_of(one) == "open"
    me.go(f"/incident/{other.pk}/")
    me.see("#id_comment").send_keys("едем")
    cut_network(me)
    me.see("button[value=in_progress]").click()
    me.see("#change .failed", "Not sent: no connection.")
    cut_network(me, off=False)
    me.see("#change .failed button").click()
    me.see("#facts .chip", "In progress")
    me.see("#timeline .text", "едем")
    me.see("#connection", "The connection is back")


def test_a_list_without_a_network_says_that_it_is_old(
    open_online: Open, olga: User, incident: Report
) -> None:
    incident()
    me = open_online(olga, language="ru")
    me.see("li.row")
    cut_network(me)
    me.see("#connection", "Нет связи. Показано состояние на", within=CHANGES_WITHIN)
    assert me.all("body.stale")
    cut_network(me, off=False)
    me.see("#connection", "Связь восстановлена", within=CHANGES_WITHIN)
    me.wait(lambda: not me.see("#connection").text and not me.all("body.stale"))


def test_a_press_that_is_refused_says_why(
    open_page: Open, olga: User, incident: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = incident()
    me = open_page(olga)

    def fail(*args: object, **more: object) -> None:
        raise RuntimeError("broken")

    with monkeypatch.context() as broken:
        broken.setattr("incidents.services.change", fail)
        me.see("li.row form button").click()
        me.see("li.row .failed", "The service has failed. Nothing has changed.")
    me.see(".failed button").click()
    me.see("li.row .chip", "In progress")
    me.go(f"/incident/{one.pk}/")
    me.see("#id_comment").send_keys("текст")
    User.objects.filter(pk=olga.pk).update(role=Role.VIEWER)
    me.see("button[value=resolved]").click()
    me.see("#change .failed", "Your role no longer allows this.")
    assert me.see("#id_comment").get_attribute("value") == "текст"
    assert status_of(one) == Status.IN_PROGRESS


def test_a_draft_is_kept_until_it_is_removed_sent_or_the_user_logs_out(
    open_page: Open, olga: User, password: str, incident: Report
) -> None:
    one = incident()
    address = f"/incident/{one.pk}/"
    me = open_page(olga, address, language="ru")
    me.see("#id_comment").send_keys("черновик")
    me.go("/")
    me.go(address)
    me.see(".draft", "Восстановлен несохранённый текст")
    assert me.see("#id_comment").get_attribute("value") == "черновик"
    me.see(".draft button", "Убрать").click()
    assert me.see("#id_comment").get_attribute("value") == ""
    me.see("#id_comment").send_keys("второй")
    me.see(".account > button").click()
    me.see("#logout button").click()
    me.see("#id_username").send_keys("olga")
    me.see("#id_password").send_keys(password + Keys.ENTER)
    me.see("li.row")
    me.go(address)
    assert me.see("#id_comment").get_attribute("value") == ""
    assert not me.all(".draft")
