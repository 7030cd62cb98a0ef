"""Deliveries: what is told to whom, in which order, how often, and what a failure does."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from standardwebhooks import Webhook

from incidents import bulk, services
from incidents.bulk import ImportedIncident
from incidents.feed.models import FeedState
from incidents.models import Event, Incident, Source, Status
from incidents.services import NewIncident, Origin
from integrations.outbound import delivery_states, destinations, retry_schedule, sending
from integrations.outbound.dispatcher import Dispatcher
from integrations.outbound.fan_out import fan_out
from integrations.outbound.models import Attempt, Delivery, Destination, DispatcherState, Transport
from integrations.outbound.transports import registry
from testing.receiver import Answer, Received, Receiver, listening
from users.models import User

ORIGIN = Origin(None, Event.Channel.COMMAND)
pytestmark = pytest.mark.django_db


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.OUTBOUND_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    with listening() as receiver:
        yield receiver


@pytest.fixture
def hook(receiver: Receiver) -> Callable[..., tuple[Destination, str]]:
    def add(name: str = "hook", path: str = "/", **more: Any) -> tuple[Destination, str]:
        return destinations.add(
            name=name, transport=Transport.WEBHOOK, address=f"{receiver.url}{path}", **more
        )

    return add


def report(text: str = "Самокат не в сети", source: Source = Source.OPERATOR) -> int:
    return services.create(NewIncident(text, source), ORIGIN).id


def dispatch(seconds: float = 10) -> None:
    """Run a dispatcher until nothing is due."""
    dispatcher = Dispatcher()
    deadline = time.monotonic() + seconds
    while dispatcher.step() and time.monotonic() < deadline:
        pass
    dispatcher.finish()


def due_now() -> None:
    Destination.objects.update(held_until=None)
    Delivery.objects.filter(state="pending").update(next_at=timezone.now())


def types(receiver: Receiver) -> list[tuple[str, int]]:
    bodies = [json.loads(received.body) for received in receiver.received]
    return [(body["type"], body["data"]["incident"]["id"]) for body in bodies]


Hook = Callable[..., tuple[Destination, str]]


def test_each_event_is_delivered_once_and_in_order(receiver: Receiver, hook: Hook) -> None:
    report("до того, как кто-либо спросил")
    hook()
    one = report()
    services.change(one, ORIGIN, status=Status.RESOLVED, comment="Заряжен")
    two = report()
    dispatch()
    assert types(receiver) == [
        ("incident.created", one),
        ("incident.status_changed", one),
        ("incident.created", two),
    ]
    dispatch()
    assert len(receiver.received) == 3
    assert set(Delivery.objects.values_list("state", "attempts")) == {("done", 1)}


def test_an_independent_library_verifies_the_signature(receiver: Receiver, hook: Hook) -> None:
    _destination, secret = hook()
    one = report()
    dispatch()
    [received] = receiver.received
    body = Webhook(secret).verify(received.body, received.headers)
    assert list(body) == ["type", "timestamp", "data"]
    assert body["data"]["incident"]["id"] == one
    assert body["data"]["incident"]["status"] == "open"
    assert body["data"]["event"]["door"] == "command"
    assert len(received.body) <= 20_000


def test_a_body_is_never_larger_than_twenty_kilobytes(receiver: Receiver, hook: Hook) -> None:
    hook()
    one = report("ё" * 10_000)
    services.change(one, ORIGIN, status=Status.CLOSED, comment="Ж" * 4_000)
    dispatch()
    assert all(len(received.body) <= 20_000 for received in receiver.received)
    assert json.loads(receiver.received[0].body)["data"]["incident"]["description"].endswith("…")


def test_after_a_rotation_both_secrets_verify_for_a_day(receiver: Receiver, hook: Hook) -> None:
    destination, old = hook()
    new = destinations.rotate(destination)
    report()
    dispatch()
    for secret in (old, new):
        Webhook(secret).verify(receiver.received[0].body, receiver.received[0].headers)
    Destination.objects.update(previous_secret_until=timezone.now())
    report()
    dispatch()
    Webhook(new).verify(receiver.received[1].body, receiver.received[1].headers)
    assert " " not in receiver.received[1].headers["webhook-signature"]


def test_a_secret_is_not_stored_in_the_clear(hook: Hook) -> None:
    destination, secret = hook()
    stored = Destination.objects.values().get()
    assert secret.removeprefix("whsec_") not in json.dumps(stored, default=str)
    assert destination.secret == secret


def test_a_secret_of_another_secret_key_is_asked_for_anew(
    receiver: Receiver, hook: Hook, settings: Any
) -> None:
    destination, _secret = hook()
    report()
    settings.SECRET_KEY = "another machine's"
    dispatch()
    destination.refresh_from_db()
    assert (receiver.received, destination.enabled) == ([], False)
    assert "SECRET_KEY" in destination.disabled_because


def test_a_failure_is_tried_again_with_the_same_id_and_a_new_time(receiver: Receiver, hook: Hook) -> None:
    hook()
    statuses = iter([500, 302, 204])
    receiver.answer = lambda _received: Answer(next(statuses), {"Location": f"{receiver.url}/elsewhere"})
    report()
    for _attempt in range(3):
        due_now()
        dispatch()
    assert len({received.headers["webhook-id"] for received in receiver.received}) == 1
    assert [received.path for received in receiver.received] == ["/", "/", "/"]
    assert list(Attempt.objects.order_by("id").values_list("success", "status")) == [
        (False, 500),
        (False, 302),
        (True, 204),
    ]
    assert Delivery.objects.get().state == "done"
    assert Destination.objects.get().failing_since is None


def test_attempts_follow_the_schedule_and_end(receiver: Receiver, hook: Hook) -> None:
    hook()
    receiver.answer = lambda _received: Answer(500, {}, b"out of order")
    report()
    for number in range(retry_schedule.MAX_ATTEMPTS):
        due_now()
        before = timezone.now()
        dispatch()
        delivery = Delivery.objects.get()
        assert delivery.attempts == number + 1
        if number < len(retry_schedule.PAUSES):
            pause = (delivery.next_at - before).total_seconds()
            assert pause >= 0.8 * retry_schedule.PAUSES[number]
    assert (delivery.state, delivery.reason) == ("dead", "out of order")
    assert len(receiver.received) == retry_schedule.MAX_ATTEMPTS == 10


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_obeyed(receiver: Receiver, hook: Hook, status: int) -> None:
    hook()
    receiver.answer = lambda _received: Answer(status, {"Retry-After": "3600"})
    report()
    report()
    dispatch()
    assert len(receiver.received) == 1
    later = timezone.now() + timedelta(minutes=59)
    assert Delivery.objects.get(attempts=1).next_at > later
    assert (Destination.objects.get().held_until or timezone.now()) > later
    dispatch()
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    "value", ["9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 31 Dec 9999 23:59:59 -2359", "Fri, 32 Dec"]
)
def test_no_retry_after_holds_longer_than_a_day_or_delays_another_destination(
    receiver: Receiver, hook: Hook, value: str
) -> None:
    bad, _secret = hook("bad", "/bad")
    good, _secret = hook("good", "/good")
    receiver.answer = lambda received: (
        Answer(503, {"Retry-After": value}) if received.path == "/bad" else Answer()
    )
    report()
    report()
    dispatch()
    assert [one.state for one in good.deliveries.all()] == ["done", "done"]
    tomorrow = timezone.now() + timedelta(days=1)
    assert bad.deliveries.filter(state="pending", next_at__lte=tomorrow).count() == 2


def test_an_error_of_one_destination_is_logged_and_delays_no_other(
    receiver: Receiver, hook: Hook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bad, _secret = hook("bad", "/bad")
    good, _secret = hook("good", "/good")
    store = delivery_states.store

    def store_of(destination_id: int, results: Any) -> None:
        if destination_id == bad.pk:
            raise ZeroDivisionError
        store(destination_id, results)

    monkeypatch.setattr(delivery_states, "store", store_of)
    report()
    dispatch()
    assert good.deliveries.get().state == "done"
    waiting = bad.deliveries.get()
    assert (waiting.state, waiting.lease) == ("pending", "")
    assert "ZeroDivisionError" in waiting.reason
    assert waiting.next_at > timezone.now()
    assert "Traceback" in caplog.text
    monkeypatch.setattr(delivery_states, "store", store)
    due_now()
    dispatch()
    assert bad.deliveries.get().state == "done"


def test_a_destination_that_was_deleted_while_it_was_sent_to_delays_no_other(
    receiver: Receiver, hook: Hook
) -> None:
    bad, _secret = hook("bad", "/bad")
    good, _secret = hook("good", "/good")
    report()
    dispatcher = Dispatcher()
    fan_out()
    batch = sending.prepare(bad)
    assert batch
    dispatcher.under_way[bad.pk] = batch, dispatcher.pool.submit(sending.transmit, batch, lambda: False)
    bad_id = bad.pk
    bad.delete()
    dispatcher.under_way[bad_id][1].result()
    while dispatcher.step():
        pass
    dispatcher.finish()
    assert good.deliveries.get().state == "done"


def test_gone_disables_at_once(receiver: Receiver, hook: Hook) -> None:
    hook()
    receiver.answer = lambda _received: Answer(410)
    report()
    dispatch()
    destination = Destination.objects.get()
    assert (destination.enabled, "410" in destination.disabled_because) == (False, True)
    report()
    due_now()
    dispatch()
    assert len(receiver.received) == 1


def test_five_days_without_success_disable(receiver: Receiver, hook: Hook) -> None:
    hook()
    receiver.answer = lambda _received: Answer(500)
    report()
    Destination.objects.update(failing_since=timezone.now() - timedelta(days=5, minutes=1))
    dispatch()
    assert not Destination.objects.get().enabled


def test_a_later_event_of_an_incident_waits_for_the_earlier_and_others_go_on(
    receiver: Receiver, hook: Hook
) -> None:
    hook()
    stuck = report("застрял")

    def answer(received: Received) -> Answer:
        return Answer(500 if json.loads(received.body)["data"]["incident"]["id"] == stuck else 204)

    receiver.answer = answer
    dispatch()
    services.change(stuck, ORIGIN, status=Status.RESOLVED)
    other = report("другой")
    Delivery.objects.exclude(incident_id=stuck).update(next_at=timezone.now())
    Destination.objects.update(held_until=None)
    dispatch()
    Delivery.objects.exclude(attempts=1).update(next_at=timezone.now())
    Destination.objects.update(held_until=None)
    dispatch()
    assert types(receiver) == [("incident.created", stuck), ("incident.created", other)]
    receiver.answer = lambda _received: Answer()
    due_now()
    dispatch()
    assert types(receiver)[2:] == [("incident.created", stuck), ("incident.status_changed", stuck)]


def test_only_what_a_destination_wants_is_delivered(receiver: Receiver, hook: Hook) -> None:
    hook("kinds", "/kinds", kinds=["status_changed"])
    hook("statuses", "/statuses", statuses=["fake"])
    hook("sources", "/sources", sources=["partner"])
    hook("severities", "/severities", severities=["critical"])
    one = report(source=Source.PARTNER)
    services.change(one, ORIGIN, status=Status.FAKE)
    dispatch()
    paths = sorted(received.path for received in receiver.received)
    assert paths == ["/kinds", "/sources", "/sources", "/statuses"]


def test_a_destination_need_not_hear_what_its_own_machine_does(
    receiver: Receiver, hook: Hook, olga: User, vera: User
) -> None:
    hook(skipped_user=olga)
    one = report()
    services.change(one, Origin(olga.pk, Event.Channel.POST), status=Status.IN_PROGRESS)
    services.change(one, Origin(vera.pk, Event.Channel.POST), status=Status.RESOLVED)
    dispatch()
    heard = [json.loads(received.body)["data"]["event"] for received in receiver.received]
    assert [(event["by"], event["door"]) for event in heard] == [(None, "command"), ("vera", "post")]


def test_what_is_rolled_back_is_never_delivered(receiver: Receiver, hook: Hook) -> None:
    hook()
    with transaction.atomic():
        report()
        transaction.set_rollback(True)
    dispatch()
    assert receiver.received == []


def test_an_import_delivers_nothing(receiver: Receiver, hook: Hook) -> None:
    hook()
    past = ImportedIncident(
        "давно", "operator", "closed", timezone.now(), timezone.now(), None, None, None, "spare", ()
    )
    bulk.import_batch([past])
    report("сейчас")
    dispatch()
    assert len(receiver.received) == 1
    assert "сейчас" in receiver.received[0].body.decode()


def test_a_restore_delivers_nothing_that_is_old(receiver: Receiver, hook: Hook) -> None:
    hook()
    report("до резервной копии")
    fan_out()
    FeedState.objects.all().delete()  # as a restore does
    dispatch()
    assert receiver.received == []
    assert Delivery.objects.get().state == "cancelled"
    later = report("после")
    dispatch()
    assert types(receiver) == [("incident.created", later)]


def test_of_two_dispatchers_one_has_a_delivery(hook: Hook) -> None:
    destination, _secret = hook()
    report()
    fan_out()
    first = delivery_states.claim(destination)
    assert len(first) == 1
    assert delivery_states.claim(destination) == []
    Delivery.objects.update(lease_until=timezone.now() - timedelta(seconds=1))  # its dispatcher was killed
    [second] = delivery_states.claim(destination)
    assert second.message_id == first[0].message_id
    # What the first one reports now changes nothing.
    delivery_states.cancel(first, "late")
    assert Delivery.objects.get().state == "pending"


def test_events_are_fanned_out_once_by_two_dispatchers(hook: Hook) -> None:
    hook()
    report()
    fan_out()
    DispatcherState.objects.update(through=0)
    Destination.objects.update(starts_after=0)
    with pytest.raises(Exception, match=r"(?i)unique"):
        fan_out()


def test_a_receiver_that_hangs_delays_no_other(receiver: Receiver, hook: Hook) -> None:
    release = threading.Event()

    def answer(received: Received) -> Answer:
        if received.path == "/hangs":
            release.wait(20)
        return Answer()

    receiver.answer = answer
    hook("hangs", "/hangs")
    hook("quick", "/quick")
    dispatcher = Dispatcher()
    for _number in range(3):
        report()
        started = time.monotonic()
        wanted = sum(received.path == "/quick" for received in receiver.received) + 1
        while sum(received.path == "/quick" for received in receiver.received) < wanted:
            dispatcher.step()
            assert time.monotonic() - started < 10
    release.set()
    dispatcher.finish()


def test_stopping_leaves_no_lease(receiver: Receiver, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrations.outbound.dispatcher.GRACE", 0.1)
    release = threading.Event()

    def hang(_received: Received) -> Answer:
        release.wait(20)
        return Answer()

    receiver.answer = hang
    hook()
    report()
    dispatcher = Dispatcher()
    dispatcher.step()
    dispatcher.finish()
    release.set()
    assert Delivery.objects.get().lease == ""


def test_a_delay_tells_only_what_nobody_took(receiver: Receiver, hook: Hook) -> None:
    hook(delay_minutes=5)
    taken, open_still = report(), report()
    dispatch()
    assert receiver.received == []
    services.change(taken, ORIGIN, status=Status.IN_PROGRESS)
    due_now()
    dispatch()
    assert types(receiver) == [("incident.created", open_still)]
    assert "taken" in Delivery.objects.filter(incident_id=taken, state="cancelled").earliest("id").reason


def test_what_was_given_up_can_be_sent_again(receiver: Receiver, hook: Hook) -> None:
    destination, _secret = hook()
    report()
    fan_out()
    Delivery.objects.update(state="dead", finished_at=timezone.now())
    assert destinations.resend_failed(destination, timezone.now() - timedelta(days=1)) == 1
    dispatch()
    assert len(receiver.received) == 1
    assert destinations.resend(Delivery.objects.get().pk)
    dispatch()
    assert len({received.headers["webhook-id"] for received in receiver.received}) == 1
    assert len(receiver.received) == 2


def test_a_test_shows_the_real_response(receiver: Receiver, hook: Hook) -> None:
    destination, _secret = hook()
    destinations.disable(destination)
    receiver.answer = lambda _received: Answer(418, {}, "я чайник".encode())
    outcome = destinations.test(destination)
    assert (outcome.success, outcome.status, outcome.reason) == (False, 418, "я чайник")
    assert json.loads(receiver.received[0].body)["type"] == "test"


def test_a_private_address_is_refused_with_its_reason(hook: Hook, settings: Any) -> None:
    hook()
    settings.OUTBOUND_ALLOWED_NETWORKS = []
    report()
    dispatch()
    assert "OUTBOUND_ALLOWED_NETWORKS" in Delivery.objects.get().reason


def test_old_deliveries_are_pruned(receiver: Receiver, hook: Hook) -> None:
    hook()
    report()
    dispatch()
    Delivery.objects.update(finished_at=timezone.now() - timedelta(days=31))
    dispatcher = Dispatcher()
    dispatcher.next_prune = 0
    dispatcher.step()
    dispatcher.finish()
    assert not Delivery.objects.exists()
    assert not Attempt.objects.exists()


def test_a_pruned_incident_is_not_told_of(receiver: Receiver, hook: Hook) -> None:
    hook()
    one = report()
    services.change(one, ORIGIN, status=Status.CLOSED)
    fan_out()
    Incident.objects.update(updated_at=timezone.now() - timedelta(days=2))
    bulk.delete_batch([one], unchanged_since=timezone.now() - timedelta(days=1))
    dispatch()
    assert receiver.received == []
    assert set(Delivery.objects.values_list("state", flat=True)) == {"cancelled"}


def test_a_fault_of_a_transport_is_a_failed_attempt(
    receiver: Receiver, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook()
    monkeypatch.setitem(registry.SENDERS, "webhook", lambda _address, _message: 1 / 0)
    report()
    dispatch()
    assert "ZeroDivisionError" in Attempt.objects.get().reason
