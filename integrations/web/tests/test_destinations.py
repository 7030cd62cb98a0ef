"""The page "Connections", its second half: who is told, tests, deliveries and why they wait."""

import re
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations.outbound import delivery_states, destinations, ticks
from integrations.outbound.fan_out import fan_out
from integrations.outbound.models import (
    Attempt,
    Delivery,
    Destination,
    DispatcherState,
    SendingTest,
    Transport,
)
from integrations.outbound.sending import address_of, prepare
from integrations.outbound.tests.test_direct_messages import is_tested, run
from integrations.outbound.tests.test_dispatcher import dispatch, due_now, report
from testing.clients import new_client
from testing.receiver import Answer, Receiver, listening
from users.models import User

OVERVIEW = reverse("connections:overview")


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.OUTBOUND_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    with listening() as receiver:
        settings.TELEGRAM_API_URL = receiver.url
        yield receiver


def new_path(transport: str) -> str:
    return reverse("connections:add_destination", args=[transport])


def path_of(destination: Destination, name: str = "destination") -> str:
    return reverse(f"connections:{name}", args=[destination.pk])


def add_hook(browser: Client, url: str, name: str = "hook", **more: Any) -> tuple[Destination, str]:
    """Add a webhook by the page, and return it with the secret that the response shows."""
    fields = {"name": name, "address": url, "delay_minutes": "0", **more}
    response = browser.post(new_path("webhook"), fields)
    assert response.status_code == 201, response.content.decode()
    [secret] = set(re.findall(r"whsec_[A-Za-z0-9+/=]+", response.content.decode()))
    return Destination.objects.get(name=name), secret


def seen(browser: Client, path: str) -> str:
    response = browser.get(path)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "private, no-store"
    return response.content.decode()


# ------------------------------------------------------------------ adding, changing, removing


@pytest.mark.parametrize(
    ("transport", "fields", "address"),
    [
        ("webhook", {"address": "https://example.com/hook"}, "https://example.com/hook"),
        ("email", {"address": "a@example.com, b@example.com"}, "a@example.com, b@example.com"),
        ("telegram", {"address": "-100", "secret": "123:AAsecret"}, "-100"),
        ("max", {"address": "77", "secret": "f9LHodD0cOI"}, "77"),
        ("apprise", {"secret": "ntfys://topic"}, "ntfys"),
    ],
)
def test_each_transport_is_added_with_what_it_needs(
    admin_browser: Client, transport: str, fields: dict[str, str], address: str
) -> None:
    assert f'href="{new_path(transport)}"' in seen(admin_browser, OVERVIEW)
    form = seen(admin_browser, new_path(transport))
    [name] = re.findall(r'name="name" value="([^"]+)"', form)
    asked = {"name": name, "delay_minutes": "0", "language": "ru", **fields}
    response = admin_browser.post(new_path(transport), asked)
    assert response.status_code == 201, response.content.decode()
    made = Destination.objects.get()
    assert (made.transport, made.address, made.enabled) == (transport, address, True)
    assert name in seen(admin_browser, OVERVIEW)
    secret = fields.get("secret")
    if secret:
        assert made.secret == secret
        assert secret not in response.content.decode()
        assert secret not in seen(admin_browser, path_of(made))


def test_the_secret_of_a_webhook_is_shown_once(admin_browser: Client) -> None:
    made, secret = add_hook(admin_browser, "https://example.com/")
    assert made.secret == secret
    for path in (OVERVIEW, path_of(made)):
        assert "whsec_" not in seen(admin_browser, path)


def test_a_destination_chooses_what_it_wants_to_hear_and_when(admin_browser: Client, olga: User) -> None:
    fields = {
        "name": "ночная смена",
        "address": "-100",
        "secret": "123:AAsecret",
        "kinds": ["created", "status_changed"],
        "statuses": ["open"],
        "sources": ["monitoring"],
        "severities": ["critical", "error"],
        "skipped_user": str(olga.pk),
        "delay_minutes": "15",
        "quiet_from": "22:00",
        "quiet_to": "07:30",
        "time_zone": "Asia/Vladivostok",
        "language": "ru",
    }
    assert admin_browser.post(new_path("telegram"), fields).status_code == 201
    made = Destination.objects.get()
    assert made.kinds == ["created", "status_changed"]
    assert (made.statuses, made.sources, made.severities) == (
        ["open"],
        ["monitoring"],
        ["critical", "error"],
    )
    assert (made.delay_minutes, str(made.quiet_from), str(made.quiet_to)) == (15, "22:00:00", "07:30:00")
    assert made.skipped_user == olga
    assert (made.time_zone, made.language) == ("Asia/Vladivostok", "ru")
    # The form shows what is stored, and stores it again.
    form = seen(admin_browser, path_of(made))
    assert form.count("checked") == 6
    assert 'value="22:00"' in form
    changed = fields | {"secret": "", "kinds": [], "delay_minutes": "0", "address": "-200"}
    assert admin_browser.post(path_of(made), changed).status_code == 302
    made.refresh_from_db()
    assert (made.kinds, made.delay_minutes, made.address, made.secret) == ([], 0, "-200", "123:AAsecret")


@pytest.mark.parametrize(
    ("transport", "wrong"),
    [
        ("webhook", {"address": "example.com"}),
        ("webhook", {"address": "https://name:password@example.com/"}),
        ("webhook", {"address": "https://example.com/" + "x" * 1000}),
        ("webhook", {"kinds": ["explode"]}),
        ("webhook", {"delay_minutes": "-1"}),
        ("webhook", {"delay_minutes": "99999999999"}),
        ("webhook", {"name": "a\nb"}),
        ("webhook", {"name": "a\x1b[31mb"}),
        ("webhook", {"name": "a\0b"}),
        ("webhook", {"name": " "}),
        ("webhook", {"name": "taken"}),
        ("email", {"address": "nobody"}),
        ("email", {"address": ", ,"}),
        ("telegram", {"address": "1", "secret": ""}),
        ("telegram", {"address": "1", "secret": "no token"}),
        ("max", {"address": "1", "secret": "токен"}),
        ("email", {"quiet_from": "22:00"}),
        ("email", {"quiet_from": "25:00", "quiet_to": "07:00"}),
        ("email", {"time_zone": "Mars/Phobos"}),
        ("email", {"time_zone": "../../etc/passwd"}),
        ("email", {"time_zone": "a\0b"}),
        ("email", {"language": "xx"}),
    ],
)
def test_what_is_wrong_is_refused_with_a_reason(
    admin_browser: Client, transport: str, wrong: dict[str, Any]
) -> None:
    add_hook(admin_browser, "https://example.com/", "taken")
    address = {"webhook": "https://example.com/", "email": "a@example.com"}.get(transport, "1")
    fields = {"name": "new", "address": address, "delay_minutes": "0", "language": "en", **wrong}
    response = admin_browser.post(new_path(transport), fields)
    assert response.status_code == 400
    assert 'class="errors"' in response.content.decode()
    assert Destination.objects.count() == 1


def test_a_new_secret_is_shown_once_and_the_old_one_is_valid_for_a_day(admin_browser: Client) -> None:
    made, old = add_hook(admin_browser, "https://example.com/")
    response = admin_browser.post(path_of(made, "rotate_destination"))
    [new] = set(re.findall(r"whsec_[A-Za-z0-9+/=]+", response.content.decode()))
    made.refresh_from_db()
    assert made.secret == new != old
    assert address_of(made).secrets == (new, old)
    assert "whsec_" not in seen(admin_browser, path_of(made))


def test_a_destination_is_disabled_and_enabled(admin_browser: Client) -> None:
    made, _secret = add_hook(admin_browser, "https://example.com/")
    admin_browser.post(path_of(made, "switch_destination"), {"enabled": "false"})
    made.refresh_from_db()
    assert not made.enabled
    assert "It is disabled" in seen(admin_browser, path_of(made))
    assert "disabled" in seen(admin_browser, OVERVIEW)
    admin_browser.post(path_of(made, "switch_destination"), {"enabled": "true"})
    made.refresh_from_db()
    assert made.enabled


def test_a_destination_is_deleted_with_its_deliveries(
    admin_browser: Client, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_states, "DELETE_BATCH", 2)
    made, _secret = add_hook(admin_browser, receiver.url)
    other, _secret = add_hook(admin_browser, receiver.url, "other")
    for _number in range(5):
        report()
    dispatch()
    assert admin_browser.post(path_of(made, "delete_destination")).status_code == 302
    assert list(Destination.objects.all()) == [other]
    assert Delivery.objects.count() == Attempt.objects.count() == 5


# ------------------------------------------------------------------ the test button


def test_the_test_button_shows_the_real_response(admin_browser: Client, receiver: Receiver) -> None:
    made, _secret = add_hook(admin_browser, receiver.url)
    receiver.answer = lambda _received: Answer(500, {}, b"<b>out of order</b>")
    ticks.tick()
    url = path_of(made, "test_destination")
    awaited = admin_browser.post(url, headers={"HX-Request": "true"}).content.decode()
    assert "Sending" in awaited
    assert 'hx-trigger="every 1s"' in awaited
    run(is_tested)
    shown = admin_browser.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "It failed." in shown
    assert "500," in shown
    assert "&lt;b&gt;out of order&lt;/b&gt;" in shown
    assert "hx-trigger" not in shown
    receiver.answer = lambda _received: Answer()
    # Without scripts the same by whole pages.
    assert admin_browser.post(url).url == f"{path_of(made)}#test"  # type: ignore[attr-defined]
    run(is_tested)
    assert "It arrived." in seen(admin_browser, path_of(made))


def test_a_test_without_a_result_says_so_after_twenty_seconds(admin_browser: Client) -> None:
    made, _secret = add_hook(admin_browser, "https://example.com/")
    admin_browser.post(path_of(made, "test_destination"))
    ticks.tick()
    SendingTest.objects.update(requested_at=timezone.now() - timedelta(seconds=21))
    shown = seen(admin_browser, path_of(made))
    assert "no result within 20 seconds" in shown
    assert "hx-trigger" not in shown


def test_without_a_dispatcher_the_page_says_that_nothing_is_delivered(admin_browser: Client) -> None:
    made, _secret = add_hook(admin_browser, "https://example.com/")
    for path in (OVERVIEW, path_of(made)):
        assert "The dispatcher does not run" in seen(admin_browser, path)
    assert "Send a test" not in seen(admin_browser, path_of(made))
    ticks.tick()
    for path in (OVERVIEW, path_of(made)):
        assert "The dispatcher last ran 0 seconds ago." in seen(admin_browser, path)


# ------------------------------------------------------------------ deliveries


def test_deliveries_show_attempts_and_are_sent_again(admin_browser: Client, receiver: Receiver) -> None:
    made, _secret = add_hook(admin_browser, receiver.url)
    receiver.answer = lambda _received: Answer(503, {}, b"no room")
    one = report()
    dispatch()
    ticks.tick()
    page = seen(admin_browser, path_of(made))
    assert f"№{one}" in page
    assert "no room" in page
    assert "503" in page
    assert "attempt 1 failed, the next one is at" in page
    assert "It fails since" in page
    assert "no room" in seen(admin_browser, OVERVIEW)
    Delivery.objects.update(state="dead", finished_at=timezone.now())
    page = seen(admin_browser, f"{path_of(made)}?state=dead")
    assert "Given up" in page
    assert "given up: 1" in " ".join(re.sub("<[^>]+>", "", page).split())
    delivery = Delivery.objects.get()
    url = reverse("connections:resend", args=[made.pk, delivery.pk])
    receiver.answer = lambda _received: Answer()
    answer = admin_browser.post(url, follow=True)
    assert "1 delivery is sent again." in answer.content.decode()
    dispatch()
    delivery.refresh_from_db()
    assert (delivery.state, len({one.headers["webhook-id"] for one in receiver.received})) == ("done", 1)


def test_all_that_failed_since_a_time_is_sent_again(admin_browser: Client, receiver: Receiver) -> None:
    made, _secret = add_hook(admin_browser, receiver.url)
    for _number in range(3):
        report()
    fan_out()
    now = timezone.localtime()
    Delivery.objects.update(state="dead", finished_at=now)
    old = Delivery.objects.earliest("id")
    Delivery.objects.filter(pk=old.pk).update(finished_at=now - timedelta(days=2))
    since = f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M}"
    url = path_of(made, "resend_failed")
    assert (
        "2 deliveries are sent again."
        in admin_browser.post(url, {"since": since}, follow=True).content.decode()
    )
    assert list(Delivery.objects.filter(state="dead")) == [old]
    for wrong in ("", "yesterday", "9999-99-99T00:00"):
        assert admin_browser.post(url, {"since": wrong}).status_code == 400


def why(browser: Client, destination: Destination) -> str:
    return seen(browser, f"{path_of(destination)}?state=pending")


def test_why_a_delivery_waits_is_said_in_words(
    admin_browser: Client, receiver: Receiver, settings: Any
) -> None:
    ticks.tick()
    chat, _secret = destinations.add(
        name="chat", transport=Transport.TELEGRAM, address="1", secret="1:a", delay_minutes=30
    )
    one = report()
    fan_out()
    assert "delay: told at" in why(admin_browser, chat)
    due_now()
    assert "it is due" in why(admin_browser, chat)
    now = timezone.localtime(timezone=timezone.get_default_timezone())
    chat.quiet_from, chat.quiet_to = (now - timedelta(hours=1)).time(), (now + timedelta(hours=1)).time()
    chat.save()
    prepare(chat)
    assert "quiet hours, until" in why(admin_browser, chat)
    chat.quiet_from = chat.quiet_to = None
    chat.save()
    due_now()
    delivery = Delivery.objects.get(incident_id=one)
    for _number in range(20):
        Attempt.objects.create(delivery=delivery, at=timezone.now(), milliseconds=1, success=True)
    prepare(chat)
    assert "20 messages a minute are the limit, until" in why(admin_browser, chat)
    Attempt.objects.all().delete()
    due_now()
    prepare(chat)
    assert "it is being sent" in why(admin_browser, chat)
    Delivery.objects.update(lease="", lease_until=None)
    Delivery.objects.create(destination=chat, event_id=delivery.event_id + 1, incident_id=one)
    assert "an earlier event of this incident comes first" in why(admin_browser, chat)
    destinations.disable(chat)
    assert "the destination is disabled" in why(admin_browser, chat)
    destinations.enable(chat)
    delivery_states.fail(chat.pk)
    assert "waits, as the receiver fails, until" in why(admin_browser, chat)
    DispatcherState.objects.update(last_tick_at=timezone.now() - timedelta(minutes=1))
    assert "the dispatcher does not run" in why(admin_browser, chat)


def test_long_lists_have_pages(admin_browser: Client, receiver: Receiver) -> None:
    made, _secret = add_hook(admin_browser, receiver.url)
    Delivery.objects.bulk_create(
        Delivery(destination=made, event_id=number, incident_id=number) for number in range(1, 61)
    )
    path, found = path_of(made), []
    while path:
        page = seen(admin_browser, path)
        found += [int(number) for number in re.findall(r"<span>№(\d+) ", page)]
        after = re.search(r'href="(\?state=&amp;before=\d+)#', page)
        path = path_of(made) + after[1].replace("&amp;", "&") if after else ""
    assert found == list(range(60, 0, -1))
    for wrong in ("state=explode", "before=x", "before=" + "9" * 400, "before=-1"):
        assert seen(admin_browser, f"{path_of(made)}?{wrong}")


# ------------------------------------------------------------------ what went wrong


def test_after_a_restore_under_another_key_the_page_asks_for_the_secret_anew(
    admin_browser: Client, receiver: Receiver, settings: Any
) -> None:
    hook, _old = add_hook(admin_browser, receiver.url)
    chat, _none = destinations.add(name="chat", transport=Transport.TELEGRAM, address="1", secret="1:a")
    settings.SECRET_KEY = "another machine's"
    browser = new_client(headers={"Accept-Language": "en"})
    browser.force_login(User.objects.get())
    assert seen(browser, OVERVIEW).count("its secret has to be given anew") == 2
    assert "cannot be read here" in seen(browser, path_of(chat))
    report()
    dispatch()
    assert not Destination.objects.filter(enabled=True).exists()
    assert "another SECRET_KEY" in seen(browser, OVERVIEW)
    fields = {"name": "chat", "address": "1", "secret": "2:b", "delay_minutes": "0", "language": "en"}
    assert browser.post(path_of(chat), fields).status_code == 302
    assert browser.post(path_of(hook, "rotate_destination")).status_code == 200
    assert "given anew" not in seen(browser, OVERVIEW)
    assert Destination.objects.filter(enabled=True).count() == 2
    receiver.answer = lambda _received: Answer(200, {}, b'{"ok": true, "result": {"message_id": 1}}')
    due_now()
    dispatch()
    assert sorted(one.path for one in receiver.received) == ["/", "/bot2:b/sendMessage"]


def test_one_that_was_disabled_stands_out_with_its_reason(admin_browser: Client) -> None:
    made, _secret = add_hook(admin_browser, "https://example.com/")
    delivery_states.disable(made.pk, f"{delivery_states.NO_SUCCESS}: <i>502</i>")
    for path in (OVERVIEW, path_of(made)):
        page = seen(admin_browser, path)
        assert "nothing was delivered for five days: &lt;i&gt;502&lt;/i&gt;" in page


def test_administrators_and_nobody_else_see_above_the_queue_what_was_disabled(
    admin_browser: Client, olga: User
) -> None:
    made, _secret = add_hook(admin_browser, "https://example.com/", "<b>hook</b>")
    ticks.tick()
    assert path_of(made) not in seen_queue(admin_browser)
    delivery_states.disable(made.pk, f"{delivery_states.NO_SUCCESS}: 502")
    queue = seen_queue(admin_browser)
    assert f'href="{path_of(made)}"' in queue
    assert "&lt;b&gt;hook&lt;/b&gt; was disabled: nothing was delivered for five days: 502" in queue
    operator = new_client(headers={"Accept-Language": "en"})
    operator.force_login(olga)
    assert "was disabled" not in seen_queue(operator)
    destinations.disable(made)
    assert "was disabled" not in seen_queue(admin_browser)


def test_administrators_see_above_the_queue_that_no_dispatcher_runs(admin_browser: Client) -> None:
    assert "The dispatcher does not run" not in seen_queue(admin_browser)
    add_hook(admin_browser, "https://example.com/")
    assert "The dispatcher does not run" in seen_queue(admin_browser)
    ticks.tick()
    assert "The dispatcher does not run" not in seen_queue(admin_browser)


def seen_queue(browser: Client) -> str:
    response = browser.get("/")
    assert response.status_code == 200
    return response.content.decode()


def test_reasons_are_told_in_russian(admin: User) -> None:
    browser = new_client(headers={"Accept-Language": "ru"})
    browser.force_login(admin)
    made, _secret = add_hook(browser, "https://example.com/")
    delivery_states.disable(made.pk, f"{delivery_states.NO_SUCCESS}: no response within 20 s")
    page = seen(browser, OVERVIEW)
    assert "Кому сообщать" in page
    assert "пять дней ничего не удаётся доставить: no response within 20 s" in page


@pytest.mark.parametrize("role", ["olga", "vera", "rita"])
def test_others_than_administrators_are_refused(request: pytest.FixtureRequest, role: str) -> None:
    browser = new_client()
    browser.force_login(request.getfixturevalue(role))
    made, _secret = destinations.add(name="hook", transport=Transport.WEBHOOK, address="https://example.com/")
    assert browser.get(new_path("webhook")).status_code == 403
    for name in ("destination", "test_destination"):
        assert browser.get(path_of(made, name)).status_code == 403
    for name in ("destination", "test_destination", "switch_destination", "rotate_destination"):
        assert browser.post(path_of(made, name)).status_code == 403
    for name in ("delete_destination", "resend_failed"):
        assert browser.post(path_of(made, name)).status_code == 403
    assert Destination.objects.get().enabled


def test_unknown_ones_are_not_found_and_links_change_nothing(admin_browser: Client) -> None:
    assert admin_browser.get(new_path("pigeon")).status_code == 404
    assert admin_browser.get(reverse("connections:destination", args=[999])).status_code == 404
    made, _secret = add_hook(admin_browser, "https://example.com/")
    for name in ("switch_destination", "rotate_destination", "delete_destination", "resend_failed"):
        assert admin_browser.get(path_of(made, name)).status_code == 405
    assert admin_browser.post(reverse("connections:resend", args=[made.pk, 999])).status_code == 404
