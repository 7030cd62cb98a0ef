"""Settled events under writers at the same time."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction

from incidents import services
from incidents.feed.settled import Horizon, horizon, settled_events
from incidents.models import Event, Source, Status
from incidents.services import NewIncident, Origin

ORIGIN = Origin(None, Event.Channel.COMMAND)
NEW = NewIncident("Самокат", Source.OPERATOR, datetime(2025, 6, 2, tzinfo=UTC))
# Of one process's writers SQLite lets only a few wait, so that threads are left to readers.
WRITERS = 16 if connection.vendor == "postgresql" else 3
SECONDS = 3


@pytest.mark.django_db(transaction=True)
def test_no_event_is_skipped_or_repeated_beside_many_writers() -> None:
    stop = threading.Event()

    def write(number: int) -> None:
        try:
            while not stop.is_set():
                with transaction.atomic():
                    created = services.create(NEW, ORIGIN)
                    if number == 0:
                        # The others commit larger ids before this one ends.
                        time.sleep(0.1 if connection.vendor == "postgresql" else 0.005)
                    if number == 1:
                        transaction.set_rollback(True)
                if number != 1:
                    services.change(created.id, ORIGIN, status=Status.CLOSED)
        finally:
            connection.close()

    writers = [threading.Thread(target=write, args=[number]) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    timer = threading.Timer(SECONDS, stop.set)
    timer.start()
    seen: list[int] = []
    while any(writer.is_alive() for writer in writers):
        seen += [event.pk for event in settled_events(seen[-1] if seen else 0, 1000)]
    timer.join()
    while found := settled_events(seen[-1] if seen else 0, 1000, wait=5):
        seen += [event.pk for event in found]
    assert len(seen) > WRITERS
    assert seen == list(Event.objects.order_by("id").values_list("id", flat=True))


@pytest.fixture
def slow_writer() -> Iterator[threading.Event]:
    """Hold a transaction with the smaller id open until the event is set."""
    inserted, commit = threading.Event(), threading.Event()

    def write() -> None:
        try:
            with transaction.atomic():
                services.create(NEW, ORIGIN)
                inserted.set()
                commit.wait(30)
        finally:
            connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    inserted.wait(30)
    yield commit
    commit.set()
    writer.join()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_an_event_waits_for_the_transaction_with_a_smaller_id(slow_writer: threading.Event) -> None:
    services.create(NEW, ORIGIN)
    assert settled_events(0, 10) == []
    started = time.monotonic()
    assert settled_events(0, 10, wait=0.2) == []
    assert time.monotonic() - started >= 0.2
    slow_writer.set()
    assert len(settled_events(0, 10, wait=10)) == 2


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_events_from_before_a_slow_transaction_do_not_wait_for_it() -> None:
    earlier = services.create(NEW, ORIGIN)
    horizon.observe()
    inserted, commit = threading.Event(), threading.Event()

    def write() -> None:
        with transaction.atomic():
            services.create(NEW, ORIGIN)
            inserted.set()
            commit.wait(30)
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    inserted.wait(30)
    assert [event.incident_id for event in settled_events(0, 10)] == [earlier.id]
    commit.set()
    writer.join()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_adds_no_events_is_not_waited_for() -> None:
    started, stop = threading.Event(), threading.Event()

    def write_elsewhere() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE feed_state SET prunes = prunes")
            cursor.execute("SELECT txid_current()")
            started.set()
            stop.wait(30)
        connection.close()

    other = threading.Thread(target=write_elsewhere)
    other.start()
    started.wait(30)
    services.create(NEW, ORIGIN)
    assert len(settled_events(0, 10)) == 1
    stop.set()
    other.join()


@pytest.mark.django_db
def test_a_horizon_starts_anew_when_the_newest_events_are_gone() -> None:
    own = Horizon()
    services.create(NEW, ORIGIN)
    services.create(NEW, ORIGIN)
    newest = own.observe()
    Event.objects.filter(pk=newest).delete()
    assert own.observe() < newest
