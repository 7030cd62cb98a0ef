"""Tests from the page, and notices that a destination was disabled: sent once, by the dispatcher."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.utils import timezone

from integrations.outbound import delivery_states, destinations, direct_messages
from integrations.outbound.direct_messages import request_test
from integrations.outbound.dispatcher import Dispatcher
from integrations.outbound.models import Destination, SendingTest, Transport
from integrations.outbound.tests.test_dispatcher import dispatch, due_now, report
from integrations.outbound.transports import registry
from integrations.outbound.transports.base import Outcome
from testing.receiver import Answer, Received, Receiver, listening

pytestmark = pytest.mark.django_db
Hook = Callable[..., Destination]


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.OUTBOUND_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    with listening() as receiver:
        settings.TELEGRAM_API_URL = f"{receiver.url}/telegram"
        yield receiver


@pytest.fixture
def hook(receiver: Receiver) -> Hook:
    def add(name: str, **more: Any) -> Destination:
        address = f"{receiver.url}/{name}"
        return destinations.add(name=name, transport=Transport.WEBHOOK, address=address, **more)[0]

    return add


def run(until: Callable[[], bool], seconds: float = 10) -> None:
    dispatcher = Dispatcher()
    deadline = time.monotonic() + seconds
    while not until():
        dispatcher.step()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    dispatcher.finish()


def is_tested() -> bool:
    return not SendingTest.objects.filter(finished_at=None).exists()


def paths(receiver: Receiver) -> list[str]:
    return [received.path for received in receiver.received]


def test_a_test_is_sent_by_the_dispatcher_also_to_a_disabled_destination(
    receiver: Receiver, hook: Hook
) -> None:
    destination = hook("hook")
    destinations.disable(destination)
    receiver.answer = lambda _received: Answer(418, {}, "я чайник".encode())
    request_test(destination)
    run(is_tested)
    test = SendingTest.objects.get()
    assert (test.success, test.status, test.reason) == (False, 418, "я чайник")
    assert json.loads(receiver.received[0].body)["type"] == "test"
    receiver.answer = lambda _received: Answer()
    request_test(destination)
    run(is_tested)
    test.refresh_from_db()
    assert (test.success, test.status, test.reason) == (True, 204, "")
    assert not Destination.objects.get().enabled


def test_a_test_that_is_under_way_is_not_sent_twice(receiver: Receiver, hook: Hook) -> None:
    destination = hook("hook")
    request_test(destination)
    request_test(destination)
    run(is_tested)
    assert len(receiver.received) == 1


def test_the_result_of_an_older_test_is_not_taken_for_that_of_a_newer(hook: Hook) -> None:
    destination = hook("hook")
    request_test(destination)
    old = SendingTest.objects.get()
    SendingTest.objects.update(requested_at=timezone.now() - timedelta(minutes=1))
    request_test(destination)
    direct_messages.store_test(old, (Outcome(success=True), 1))
    assert SendingTest.objects.get().finished_at is None


def test_tests_of_receivers_that_hang_delay_neither_deliveries_nor_other_tests(
    receiver: Receiver, hook: Hook
) -> None:
    release = threading.Event()

    def answer(received: Received) -> Answer:
        if "hangs" in received.path:
            release.wait(20)
        return Answer()

    receiver.answer = answer
    for number in range(16):
        request_test(hook(f"hangs{number}", kinds=["commented"]))
    quick = hook("quick")
    request_test(quick)
    report()
    run(lambda: paths(receiver).count("/quick") == 2 and is_done(quick), seconds=8)
    release.set()
    assert SendingTest.objects.filter(finished_at=None).count() == 16


def is_done(destination: Destination) -> bool:
    test = SendingTest.objects.get(destination=destination)
    return bool(test.finished_at) and not destination.deliveries.exclude(state="done").exists()


def test_an_error_in_a_transport_is_the_result_of_the_test(
    hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.SENDERS, "webhook", lambda _address, _message: 1 / 0)
    request_test(hook("hook"))
    run(is_tested)
    assert "ZeroDivisionError" in SendingTest.objects.get().reason


# ------------------------------------------------------------------ notices


def notices(receiver: Receiver) -> list[tuple[str, Any]]:
    bodies = [(received.path, json.loads(received.body)) for received in receiver.received]
    return [
        (path, body.get("data") or body.get("text"))
        for path, body in bodies
        if body.get("type", "destination.disabled") == "destination.disabled"
    ]


def is_told() -> bool:
    return not Destination.objects.exclude(notice_due=None).exists()


def test_when_a_destination_is_gone_another_one_is_told_once(receiver: Receiver, hook: Hook) -> None:
    hook("gone")
    hook("other")
    receiver.answer = lambda received: Answer(410 if received.path == "/gone" else 204)
    report()
    dispatch()
    run(is_told)
    report()
    due_now()
    dispatch()
    assert notices(receiver) == [("/other", {"destination": "gone", "reason": "HTTP 410"})]


def test_people_are_told_before_machines_in_their_language(receiver: Receiver, hook: Hook) -> None:
    gone = hook("gone")
    hook("machine")
    destinations.add(name="chat", transport=Transport.TELEGRAM, address="7", secret="1:a", language="ru")
    receiver.answer = lambda _received: Answer(200, {}, b'{"ok": true, "result": {"message_id": 1}}')
    delivery_states.disable(gone.pk, delivery_states.NO_SUCCESS + ": no response within 20 s")
    run(is_told)
    [(path, text)] = notices(receiver)
    assert path == "/telegram/bot1:a/sendMessage"
    assert "gone" in text
    assert "отключён" in text
    assert "пять дней" in text


def test_a_notice_that_fails_goes_to_the_next_and_disables_nobody(receiver: Receiver, hook: Hook) -> None:
    gone = hook("gone")
    for name in ("one", "two"):
        hook(name)
    receiver.answer = lambda received: Answer(410 if received.path == "/one" else 204)
    delivery_states.disable(gone.pk, "HTTP 410")
    run(is_told)
    assert [path for path, _data in notices(receiver)] == ["/one", "/two"]
    assert Destination.objects.filter(enabled=True).count() == 2


def test_two_destinations_that_die_tell_each_other_nothing_for_ever(receiver: Receiver, hook: Hook) -> None:
    one, two = hook("one"), hook("two")
    receiver.answer = lambda _received: Answer(410)
    delivery_states.disable(one.pk, "HTTP 410")
    delivery_states.disable(two.pk, "HTTP 410")
    dispatcher = Dispatcher()
    for _number in range(5):
        dispatcher.step()
        time.sleep(0.05)
    dispatcher.finish()
    assert receiver.received == []
    again = Destination.objects.get(pk=one.pk).notice_due
    assert again
    assert again > timezone.now()
    Destination.objects.update(disabled_at=timezone.now() - timedelta(days=2), notice_due=timezone.now())
    run(is_told)
    assert receiver.received == []


def test_who_disables_a_destination_is_told_nothing_about_it(receiver: Receiver, hook: Hook) -> None:
    destinations.disable(hook("one"))
    hook("two")
    dispatch()
    assert receiver.received == []


def test_quiet_hours_hold_a_notice(receiver: Receiver, hook: Hook) -> None:
    gone = hook("gone")
    now = timezone.localtime()
    hook(
        "sleeps",
        quiet_from=(now - timedelta(hours=1)).time(),
        quiet_to=(now + timedelta(hours=1)).time(),
    )
    delivery_states.disable(gone.pk, "HTTP 410")
    dispatcher = Dispatcher()
    for _number in range(5):
        dispatcher.step()
        time.sleep(0.02)
    dispatcher.finish()
    assert receiver.received == []
