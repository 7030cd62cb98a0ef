"""The statistics of a period, and counting events into buckets."""

import contextlib
import threading
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from statistics import median, quantiles
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from incidents import services, signal_service
from incidents.feed import settled
from incidents.models import Event, Incident, Source, Status
from incidents.services import NewIncident, Origin
from incidents.severity import Severity
from incidents.signal_rules import Sender
from incidents.signals import Action, Signal
from incidents.statistics import aggregate, buckets, report
from incidents.statistics.models import Bucket
from users.models import User

ORIGIN = Origin(None, Event.Channel.COMMAND)
NOON = datetime(2025, 6, 2, 12, tzinfo=UTC)
TODAY = date(2025, 6, 2)

Happen = Callable[..., Incident]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    def set_to(now: datetime) -> None:
        monkeypatch.setattr(timezone, "now", lambda: now)

    set_to(NOON)
    return set_to


@pytest.fixture
def happen(db: None, clock: Callable[[datetime], None]) -> Iterator[Happen]:
    """Report an incident at `at`, and let it take the statuses given, each so long after the report."""

    def story(at: datetime, *steps: tuple[timedelta, Status], source: Source = Source.OPERATOR) -> Incident:
        clock(at)
        created = services.create(NewIncident("Самокат", source), ORIGIN)
        for after, status in steps:
            clock(at + after)
            services.change(created.id, ORIGIN, status=status)
        clock(NOON)
        return Incident.objects.get(pk=created.id)

    with timezone.override("UTC"):
        yield story


def of_period(first: date, last: date) -> report.Report:
    assert buckets.catch_up(10)
    return report.of_period(first, last)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def test_a_period_without_events(db: None) -> None:
    found = of_period(TODAY, TODAY)
    assert (found.reported, found.first_action.median, found.false_alarm_share) == (0, None, None)


def test_it_counts_days_by_source(happen: Happen) -> None:
    happen(NOON - timedelta(days=1), source=Source.PARTNER)
    happen(NOON - timedelta(hours=1), source=Source.PARTNER)
    happen(NOON - timedelta(minutes=1), source=Source.MONITORING)
    found = of_period(TODAY - timedelta(days=2), TODAY)
    assert [day.reported for day in found.slots] == [
        Counter(),
        Counter(partner=1),
        Counter(partner=1, monitoring=1),
    ]


def test_times_to_first_action_and_resolution(happen: Happen) -> None:
    start = NOON - timedelta(hours=9)
    happen(start, (minutes(10), Status.IN_PROGRESS), (minutes(60), Status.RESOLVED))
    happen(start, (minutes(20), Status.IN_PROGRESS), (minutes(30), Status.FAKE))
    # Neither what comes after the first action nor a second resolution counts again.
    happen(start, (minutes(30), Status.CLOSED), (minutes(90), Status.OPEN), (minutes(95), Status.RESOLVED))
    found = of_period(TODAY, TODAY)
    assert found.first_action == report.Spread(3, minutes(20), minutes(28))
    assert found.resolution == report.Spread(2, minutes(45), minutes(57))


def test_a_comment_is_an_action(happen: Happen, clock: Callable[[datetime], None]) -> None:
    one = happen(NOON - timedelta(hours=1))
    clock(NOON - minutes(55))
    services.change(one.pk, ORIGIN, comment="Еду")
    clock(NOON)
    assert of_period(TODAY, TODAY).first_action.median == minutes(5)


def test_sums_are_also_by_reporter(happen: Happen, clock: Callable[[datetime], None], rita: User) -> None:
    start = NOON - timedelta(hours=9)
    happen(start, (minutes(10), Status.IN_PROGRESS), (minutes(60), Status.FAKE))
    clock(start)
    by_rita = Origin(rita.pk, Event.Channel.POST)
    made = [services.create(NewIncident("Самокат", source), by_rita) for source in Source]
    clock(start + minutes(4))
    services.change(made[0].id, ORIGIN, status=Status.RESOLVED)
    clock(NOON)
    for _counting in range(2):  # with the newest events, and from the buckets
        reporter, nobody = of_period(TODAY, TODAY).senders
        assert (reporter.name, reporter.reported) == ("rita", 5)
        assert (reporter.finished, reporter.false_alarms) == (1, 0)
        assert reporter.first_action == reporter.resolution == report.Spread(1, minutes(4), minutes(4))
        assert (nobody.name, nobody.reported, nobody.false_alarm_share) == ("", 1, 1.0)
        assert nobody.resolution.number == 0
        call_command("recount", stdout=StringIO())


def test_reopened_incidents_are_counted_by_reporter(happen: Happen) -> None:
    start = NOON - timedelta(hours=9)
    happen(start, (minutes(10), Status.FAKE), (minutes(20), Status.OPEN), (minutes(30), Status.CLOSED))
    happen(start, (minutes(10), Status.IN_PROGRESS), (minutes(20), Status.OPEN))
    for _counting in range(2):
        found = of_period(TODAY, TODAY)
        assert (found.reopened, found.senders[0].reopened, found.finished) == (1, 1, 2)
        call_command("recount", stdout=StringIO())


def test_sums_are_also_by_who_acted(
    happen: Happen, clock: Callable[[datetime], None], olga: User, rita: User
) -> None:
    for number in range(3):
        one = happen(NOON - minutes(60))
        clock(NOON - minutes(50))
        services.change(one.pk, Origin(olga.pk, Event.Channel.PAGE), status=Status.IN_PROGRESS)
        clock(NOON - minutes(40 - number))
        who = olga if number else rita
        services.change(one.pk, Origin(who.pk, Event.Channel.REST), status=Status.RESOLVED)
    clock(NOON)
    for _counting in range(2):
        first, second = of_period(TODAY, TODAY).people
        assert (first.user, first.taken, first.resolution.median) == (olga, 3, minutes(21.5))
        assert (second.user, second.taken, second.resolution.median) == (rita, 0, minutes(20))
        call_command("recount", stdout=StringIO())


def test_the_share_acted_on_in_time(happen: Happen) -> None:
    start = NOON - timedelta(hours=9)
    happen(start, (minutes(15), Status.IN_PROGRESS))
    happen(start, (minutes(16), Status.IN_PROGRESS))
    happen(start)
    assert of_period(TODAY, TODAY).in_time_share == 0.5


def test_how_many_were_not_finished_at_the_end_of_each_day(happen: Happen) -> None:
    happen(NOON - timedelta(days=3), (timedelta(days=1), Status.CLOSED))
    happen(NOON - timedelta(days=3), (timedelta(days=1), Status.FAKE), (timedelta(days=2), Status.OPEN))
    happen(NOON - timedelta(days=2), (timedelta(days=1), Status.UNKNOWN))
    happen(NOON)
    for _counting in range(2):
        found = of_period(TODAY - timedelta(days=4), TODAY)
        assert [slot.unfinished for slot in found.slots] == [0, 2, 1, 2, 3]
        earlier = of_period(TODAY - timedelta(days=4), TODAY - timedelta(days=2))
        assert [slot.unfinished for slot in earlier.slots] == [0, 2, 1]
        call_command("recount", stdout=StringIO())


def test_hours_end_with_the_one_that_is_running(happen: Happen) -> None:
    happen(NOON - timedelta(hours=1))
    happen(NOON)
    found = report.of_period(TODAY, TODAY, by_hour=True)
    assert [slot.total for slot in found.slots] == [*[0] * 11, 1, 1]
    assert [hour for hour, number in enumerate(found.heat[TODAY.weekday()]) if number] == [11, 12]


@pytest.mark.parametrize(("day", "hours"), [(date(2025, 3, 30), 23), (date(2025, 10, 26), 25)])
def test_hours_of_days_of_23_and_25(
    db: None, clock: Callable[[datetime], None], day: date, hours: int
) -> None:
    clock(datetime(2025, 12, 1, tzinfo=UTC))
    with timezone.override("Europe/Berlin"):
        assert len(report.of_period(day, day, by_hour=True).slots) == hours


def test_what_a_sender_does_is_no_action(clock: Callable[[datetime], None], rita: User) -> None:
    signal = Signal(action=Action.TRIGGER, key="db1", title="Down", details="x", severity=Severity.INFO)
    sender = Sender(rita.pk, Source.MONITORING)
    for after, action in enumerate([Action.TRIGGER, Action.ACKNOWLEDGE, Action.NOTE, Action.RESOLVE]):
        clock(NOON - minutes(30 - after))
        signal_service.handle([replace(signal, action=action)], sender)
    signal_service.handle([signal], sender)
    clock(NOON - minutes(20))
    services.change(Incident.objects.get().pk, ORIGIN, comment="x")
    clock(NOON)
    found = of_period(TODAY, TODAY)
    assert found.resolution == report.Spread(1, minutes(3), minutes(3))
    assert found.first_action == report.Spread(1, minutes(10), minutes(10))


def test_durations_start_at_the_report_not_at_its_created_at(happen: Happen) -> None:
    created = services.create(NewIncident("Самокат", Source.OPERATOR, NOON - timedelta(days=9)), ORIGIN)
    services.change(created.id, ORIGIN, status=Status.CLOSED)
    assert of_period(TODAY, TODAY).resolution.median == timedelta(0)


def test_the_share_of_false_alarms(happen: Happen) -> None:
    start = NOON - timedelta(hours=9)
    happen(start, (minutes(1), Status.FAKE))
    happen(start, (minutes(1), Status.CLOSED), (minutes(2), Status.FAKE))
    happen(start, (minutes(1), Status.FAKE), (minutes(2), Status.RESOLVED))
    happen(start, (minutes(1), Status.CANCELLED))
    happen(start, (minutes(1), Status.IN_PROGRESS))
    found = of_period(TODAY, TODAY)
    assert (found.finished, found.false_alarms, found.false_alarm_share) == (4, 2, 0.5)


@pytest.mark.parametrize(
    "zone", ["UTC", "Europe/Moscow", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia"]
)
def test_days_begin_in_the_current_time_zone(happen: Happen, zone: str) -> None:
    there = ZoneInfo(zone)
    midnight = datetime(2025, 6, 1, tzinfo=there)
    happen(midnight - timedelta(seconds=1))
    happen(midnight)
    with timezone.override(there):
        found = of_period(date(2025, 5, 31), date(2025, 6, 1))
    assert [day.total for day in found.slots] == [1, 1]


@pytest.mark.parametrize(("day", "hours"), [(date(2025, 3, 30), 23), (date(2025, 10, 26), 25)])
def test_days_of_23_and_25_hours_are_complete(day: date, hours: int) -> None:
    with timezone.override("Europe/Berlin"):
        buckets_of_day = report.first_bucket(day + timedelta(days=1)) - report.first_bucket(day)
    assert buckets_of_day == hours * 4


def test_the_size_of_the_batches_does_not_change_the_statistics(
    happen: Happen, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = NOON - timedelta(hours=9)
    happen(start, (minutes(10), Status.IN_PROGRESS), (minutes(60), Status.RESOLVED))
    happen(start, (minutes(20), Status.IN_PROGRESS), (minutes(30), Status.FAKE))
    at_once = of_period(TODAY, TODAY)
    monkeypatch.setattr(buckets, "BATCH", 1)
    buckets.recount(lambda _event_id: None)
    assert report.of_period(TODAY, TODAY) == at_once


def test_the_newest_event_is_in_the_statistics_at_once(happen: Happen) -> None:
    happen(NOON)
    assert of_period(TODAY, TODAY).reported == 1
    buckets.catch_up_throttled()
    assert buckets.percent_counted() == 100
    assert of_period(TODAY, TODAY).reported == 1


def test_catch_up_without_budget_leaves_events_uncounted(
    happen: Happen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "BATCH", 1)
    for at in (NOON, NOON - timedelta(days=300), NOON - timedelta(days=299)):
        happen(at)
    assert not buckets.catch_up(0)
    assert buckets.percent_counted() < 100


def test_throttled_counting_sleeps_as_long_as_each_batch_took(
    happen: Happen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "BATCH", 1)
    slept: list[float] = []
    reported: list[int] = []
    for _n in range(3):
        happen(NOON)
    monkeypatch.setattr("time.sleep", slept.append)
    buckets.catch_up_throttled(reported.append)
    ids = list(Event.objects.values_list("id", flat=True))
    assert reported == [*ids, ids[-1]]
    assert len(slept) == len(reported)
    assert min(slept) > 0


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_an_event_that_is_committed_after_a_newer_one_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "BATCH", 1)
    inserted, commit = threading.Event(), threading.Event()

    def slow_writer() -> None:
        with transaction.atomic():
            services.create(NewIncident("Самокат", Source.OPERATOR), ORIGIN)
            inserted.set()
            commit.wait(30)
        connection.close()

    writer = threading.Thread(target=slow_writer)
    writer.start()
    inserted.wait(30)
    for _n in range(2):
        services.create(NewIncident("Самокат", Source.PARTNER, NOON), ORIGIN)
    assert not buckets.catch_up(0.05)
    commit.set()
    writer.join()
    assert buckets.catch_up(10)
    today = timezone.localdate()
    assert report.of_period(today, today).reported == 3


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_counting_waits_only_so_long_for_an_idle_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    services.create(NewIncident("Самокат", Source.OPERATOR), ORIGIN)
    monkeypatch.setattr(buckets, "MAX_WRITER_WAIT", 0.2)
    with other_connection(connection.settings_dict["NAME"]) as other:
        other.execute(f"LOCK TABLE {Event._meta.db_table} IN ROW EXCLUSIVE MODE")
        pid = other.info.backend_pid
        with pytest.raises(buckets.WriterNotFinished, match=rf"open for 0.2 s.*{pid}"):
            buckets.catch_up_throttled()
        Incident.objects.update(status=Status.CLOSED, updated_at=NOON)
        with pytest.raises(CommandError, match=rf"{pid}"):
            call_command("prune", "--older-than=1", stdout=StringIO())
        assert Incident.objects.exists()
        with pytest.raises(CommandError, match=rf"{pid}"):
            call_command("recount", stdout=StringIO())
    buckets.catch_up_throttled()
    assert buckets.percent_counted() == 100


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL has other databases")
@pytest.mark.django_db(transaction=True)
def test_a_writer_of_another_database_is_not_waited_for() -> None:
    ours = connection.settings_dict["NAME"]
    copy = f"{ours}_copy"
    connection.close()
    with other_connection("postgres") as server:
        server.autocommit = True
        # Threads of earlier tests may have left connections open; a database in use cannot be copied.
        server.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [ours]
        )
        # In a copy the table has the same object id.
        server.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{ours}"')
        try:
            with other_connection(copy) as other:
                other.execute(f"LOCK TABLE {Event._meta.db_table} IN ROW EXCLUSIVE MODE")
                assert settled.open_writers() == {}
        finally:
            server.execute(f'DROP DATABASE "{copy}"')


@contextlib.contextmanager
def other_connection(database: str) -> Iterator[Any]:
    import psycopg

    parameters = connection.get_connection_params()
    given = {name: parameters[name] for name in ("host", "port", "user", "password") if name in parameters}
    other = psycopg.connect(dbname=database, **given)
    try:
        yield other
    finally:
        other.close()


def test_counting_stops_at_the_end_of_its_budget(happen: Happen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "BATCH", 1)
    for _n in range(3):
        happen(NOON - timedelta(hours=1))
    assert not buckets.catch_up(0)
    assert Bucket.objects.get().reported == {"operator": 1}
    assert buckets.catch_up(10)
    assert Bucket.objects.get().reported == {"operator": 3}


@given(st.lists(st.integers(0, 10**6), min_size=2))
def test_percentiles_are_exact(numbers: list[int]) -> None:
    found = report.spread(array("I", numbers))
    assert found.median is not None
    assert found.ninetieth is not None
    assert found.median.total_seconds() == pytest.approx(median(numbers))
    ninetieth = quantiles(numbers, n=10, method="inclusive")[-1]
    assert found.ninetieth.total_seconds() == pytest.approx(ninetieth)


def test_a_clock_set_back_makes_no_negative_duration() -> None:
    assert aggregate.elapsed(NOON, NOON - timedelta(hours=1)) == 0
    assert aggregate.elapsed(NOON, NOON + timedelta(days=365 * 200)) == aggregate.MAX_SECONDS
    assert aggregate.elapsed(None, NOON) is None


@pytest.mark.django_db(transaction=True)
def test_renaming_the_models_changes_no_table() -> None:
    out = StringIO()
    call_command("sqlmigrate", "statistics", "0002", stdout=out)
    statements = [line for line in out.getvalue().splitlines() if not line.startswith("--")]
    assert [line for line in statements if line not in ("BEGIN;", "COMMIT;")] == []
