"""What signals do to incidents; the numbers are those of docs/decisions/0018-signals.md."""

import contextlib
import itertools
import random
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from incidents import services, signal_service
from incidents.models import UNFINISHED, Episode, Event, Incident, Source, Status
from incidents.services import NewIncident, Origin
from incidents.severity import Severity
from incidents.signal_rules import Outcome, Sender, SignalOutcome
from incidents.signals import Action, Signal
from testing.clients import together
from users.models import User

Report = Callable[..., Incident]
START = datetime(2026, 8, 22, 14, 32, 8, 326_990, UTC)
MINUTE = timedelta(minutes=1)
TRIGGER, ACKNOWLEDGE, RESOLVE, NOTE, TEST = Action


def trigger(key: str = "db1", **more: Any) -> Signal:
    return Signal(action=TRIGGER, key=key, **{"title": f"{key} is down", **more})


def resolve(key: str = "db1", **more: Any) -> Signal:
    return Signal(action=RESOLVE, key=key, title=f"{key} is up", **more)


@pytest.fixture
def sender(rita: User) -> Sender:
    return Sender(rita.pk, Source.MONITORING)


@pytest.fixture
def say(sender: Sender) -> Callable[..., list[SignalOutcome]]:
    """Handle signals, by default as the sender."""

    def handle(*signals: Signal, by: Sender = sender) -> list[SignalOutcome]:
        return signal_service.handle(signals, by)

    return handle


Say = Callable[..., list[SignalOutcome]]


def outcome_of(outcomes: list[SignalOutcome]) -> Outcome:
    [one] = outcomes
    return one.outcome


def pass_time(elapsed: timedelta) -> None:
    """Let all that senders have ended be over for so much longer."""
    for episode in Episode.objects.exclude(ended_at=None):
        assert episode.ended_at is not None
        episode.ended_at -= elapsed
        episode.save()


def history_of(incident: Incident) -> list[tuple[str, str, str]]:
    return list(incident.events.values_list("kind", "status_from", "status_to"))


# ------------------------------------------------------------------ trigger


def test_a_trigger_makes_an_incident_of_its_sender(say: Say, rita: User) -> None:
    before = timezone.now()
    [result] = say(
        trigger(details="instance: db1", severity=Severity.ERROR, starts_at=START, link="https://p/g")
    )
    one = Incident.objects.get()
    assert (result.outcome, result.incident_id, result.note) == (Outcome.CREATED, one.pk, "")
    assert (one.description, one.search_text) == ("db1 is down\n\ninstance: db1",) * 2
    assert (one.status, one.source, one.severity, one.created_by) == ("open", "monitoring", "error", rita)
    assert (one.dedup_key, one.repeats, one.created_at) == ("db1", 0, START)
    assert before <= one.updated_at <= timezone.now()
    assert one.last_seen_at == one.updated_at
    event = one.events.get()
    assert (event.kind, event.by, event.channel, event.at) == ("created", rita, "hook", one.updated_at)
    assert (event.status_from, event.status_to, event.severity) == ("", "open", "error")
    episode = Episode.objects.get()
    assert (episode.starts_at, episode.severity, episode.link) == (START, "error", "https://p/g")
    assert (episode.previous, episode.ended_at, episode.latest_text, episode.reopened) == (None, None, "", 0)


def test_without_a_start_or_with_one_ahead_the_incident_begins_now(say: Say) -> None:
    say(trigger("a"), trigger("b", starts_at=timezone.now() + timedelta(hours=1)))
    for one in Incident.objects.all():
        assert timezone.now() - MINUTE < one.created_at <= one.updated_at


def test_2_the_key_is_the_senders_own(say: Say, sender: Sender, olga: User) -> None:
    """Neither the title nor another sender's key makes two faults one."""
    say(trigger("a", title="down"), trigger("b", title="down"), trigger("a", title="other text"))
    say(trigger("a"), by=replace(sender, user_id=olga.pk))
    assert sorted(Incident.objects.values_list("created_by__username", "dedup_key")) == [
        ("olga", "a"), ("rita", "a"), ("rita", "b"),
    ]  # fmt: skip


def test_3_each_signal_of_a_call_has_its_own_fate(say: Say) -> None:
    say(trigger("a"), trigger("b"))
    outcomes = say(resolve("a"), trigger("b"), trigger("c"), resolve("d"))
    assert [one.outcome for one in outcomes] == ["resolved", "repeated", "created", "ignored"]
    assert dict(Incident.objects.values_list("dedup_key", "status")) == {
        "a": "resolved", "b": "open", "c": "open",
    }  # fmt: skip


@pytest.mark.parametrize("action", [RESOLVE, ACKNOWLEDGE, NOTE])
def test_5_what_is_said_of_an_unknown_key_makes_nothing(say: Say, action: Action) -> None:
    [result] = say(Signal(action=action, key="k", title="t", details="d"))
    assert (result.outcome, result.incident_id) == (Outcome.IGNORED, None)
    assert result.note == "No unfinished incident has this key."
    assert not Incident.objects.exists()


@pytest.mark.parametrize("status", UNFINISHED)
def test_6_a_repeat_counts_and_changes_nothing_else(say: Say, olga: User, status: Status) -> None:
    [first] = say(trigger(severity=Severity.ERROR, starts_at=START))
    assert first.incident_id
    services.change(first.incident_id, Origin(olga.pk, Event.Channel.PAGE), status=status, assignee=olga.pk)
    before = Incident.objects.get()
    events = Event.objects.count()
    [result] = say(trigger(title="db1 is still down", severity=Severity.ERROR, starts_at=START))
    after = Incident.objects.get()
    assert (result.outcome, result.incident_id) == (Outcome.REPEATED, before.pk)
    assert (after.repeats, before.repeats) == (1, 0)
    assert after.last_seen_at is not None
    assert before.last_seen_at is not None
    assert after.last_seen_at > before.last_seen_at
    for field in ("description", "status", "severity", "assignee", "updated_at", "created_at"):
        assert getattr(after, field) == getattr(before, field)
    assert Event.objects.count() == events
    assert Episode.objects.get().latest_text == "db1 is still down"


def test_the_latest_text_of_a_repeat_is_kept_only_if_it_is_another(say: Say) -> None:
    for title, latest in [("db1 is down", ""), ("worse", "worse"), ("db1 is down", "")]:
        say(trigger(title=title))
        assert Episode.objects.get().latest_text == latest


def test_a_severity_that_rises_is_one_event(say: Say) -> None:
    words = [None, Severity.WARNING, Severity.INFO, Severity.CRITICAL, Severity.CRITICAL, Severity.ERROR]
    say(*(trigger(severity=word) for word in words))
    one = Incident.objects.get()
    assert one.severity == "critical"
    assert list(one.events.values_list("kind", "severity", "status_from", "status_to")) == [
        ("created", None, "", "open"),
        ("severity", "warning", "open", "open"),
        ("severity", "critical", "open", "open"),
    ]


def test_a_severity_that_a_person_lowered_holds_until_the_sender_says_a_worse_one(
    say: Say, olga: User
) -> None:
    [first] = say(trigger(severity=Severity.ERROR))
    assert first.incident_id
    origin = Origin(olga.pk, Event.Channel.PAGE)
    services.change(first.incident_id, origin, severity=Severity.INFO)
    say(trigger(severity=Severity.ERROR))
    assert Incident.objects.get().severity == "info"
    say(trigger(severity=Severity.CRITICAL))
    assert Incident.objects.get().severity == "critical"


# ------------------------------------------------------------------ after the end


@pytest.mark.parametrize("finished", [Status.RESOLVED, Status.CLOSED, Status.FAKE, Status.CANCELLED])
def test_7_what_a_person_has_finished_is_marked_as_still_firing(
    say: Say, olga: User, finished: Status
) -> None:
    [first] = say(trigger(starts_at=START))
    assert first.incident_id
    services.change(first.incident_id, Origin(olga.pk, Event.Channel.PAGE), status=finished)
    events = Event.objects.count()
    [again] = say(trigger(starts_at=START))
    assert (again.outcome, again.incident_id) == (Outcome.STILL_FIRING, first.incident_id)
    one = Incident.objects.get()
    assert (one.status, one.repeats) == (finished, 1)
    assert Episode.objects.get().still_firing_at == one.last_seen_at
    assert Event.objects.count() == events
    [over] = say(resolve())
    assert (over.outcome, over.incident_id) == (Outcome.IGNORED, first.incident_id)
    assert over.note == "The incident was finished by a person before."
    assert Episode.objects.get().still_firing_at is None


@pytest.mark.parametrize("start", [None, START + MINUTE])
def test_7_after_that_a_new_episode_is_a_new_incident_linked_to_the_old(
    say: Say, olga: User, start: datetime | None
) -> None:
    [first] = say(trigger(starts_at=START))
    assert first.incident_id
    services.change(first.incident_id, Origin(olga.pk, Event.Channel.PAGE), status=Status.RESOLVED)
    [second] = say(trigger(starts_at=start))
    assert second.outcome is Outcome.CREATED
    assert Episode.objects.get(incident=second.incident_id).previous_id == first.incident_id
    assert Incident.objects.get(pk=first.incident_id).status == "resolved"


def test_what_a_person_has_opened_again_is_repeated(say: Say, olga: User) -> None:
    [first] = say(trigger(starts_at=START))
    assert first.incident_id
    origin = Origin(olga.pk, Event.Channel.PAGE)
    services.change(first.incident_id, origin, status=Status.CLOSED)
    say(trigger(starts_at=START))
    services.change(first.incident_id, origin, status=Status.OPEN)
    assert Episode.objects.get().still_firing_at is None
    assert outcome_of(say(trigger(starts_at=START))) is Outcome.REPEATED


def test_what_a_person_closes_after_its_sender_has_ended_it_is_not_reopened(say: Say, olga: User) -> None:
    [first] = say(trigger(starts_at=START))
    say(resolve())
    assert first.incident_id
    services.change(first.incident_id, Origin(olga.pk, Event.Channel.PAGE), status=Status.CLOSED)
    assert outcome_of(say(trigger(starts_at=START + MINUTE))) is Outcome.CREATED


@pytest.mark.parametrize("start", [None, START + MINUTE])
def test_8_a_trigger_soon_after_an_automatic_end_reopens(say: Say, start: datetime | None) -> None:
    say(trigger(starts_at=START), resolve(details="fixed"))
    pass_time(9 * MINUTE)
    [again] = say(trigger(starts_at=start, severity=Severity.ERROR))
    one = Incident.objects.get()
    assert (again.outcome, again.incident_id) == (Outcome.REOPENED, one.pk)
    assert (one.status, one.repeats, one.severity) == ("open", 1, "error")
    assert history_of(one) == [
        ("created", "", "open"),
        ("status_changed", "open", "resolved"),
        ("reopened", "resolved", "open"),
        ("severity", "open", "open"),
    ]
    episode = Episode.objects.get()
    assert (episode.reopened, episode.ended_at) == (1, None)
    assert outcome_of(say(resolve())) is Outcome.RESOLVED


@pytest.mark.parametrize("start", [None, START + MINUTE])
def test_8_a_trigger_later_than_that_makes_a_new_incident(say: Say, start: datetime | None) -> None:
    [first, _end] = say(trigger(starts_at=START), resolve())
    pass_time(11 * MINUTE)
    [again] = say(trigger(starts_at=start))
    assert again.outcome is Outcome.CREATED
    assert Episode.objects.get(incident=again.incident_id).previous_id == first.incident_id


def test_8_the_time_is_the_senders_own(say: Say, sender: Sender) -> None:
    never = replace(sender, reopen_within=timedelta(0))
    outcomes = say(trigger(), resolve(), trigger(), resolve(), by=never)
    assert [one.outcome for one in outcomes] == ["created", "resolved"] * 2
    first, second = Incident.objects.order_by("id")
    assert Episode.objects.get(incident=second).previous == first


def test_the_same_episode_is_reopened_however_late_its_sender_repeats_it(say: Say) -> None:
    say(trigger(starts_at=START), resolve())
    pass_time(timedelta(days=3))
    assert outcome_of(say(trigger(starts_at=START))) is Outcome.REOPENED


def test_an_assignee_stays_when_an_incident_is_reopened(say: Say, olga: User) -> None:
    [first] = say(trigger())
    assert first.incident_id
    services.change(first.incident_id, Origin(olga.pk, Event.Channel.PAGE), assignee=olga.pk)
    say(resolve(), trigger())
    assert Incident.objects.get().assignee == olga


def test_32_an_end_before_the_present_episode_resolves_nothing(say: Say) -> None:
    say(trigger(starts_at=START), trigger(starts_at=START + 5 * MINUTE))
    [late] = say(resolve(starts_at=START, ends_at=START + 4 * MINUTE))
    assert (late.outcome, late.note) == (Outcome.IGNORED, "It ended before the present incident began.")
    assert Incident.objects.get().status == "open"
    assert outcome_of(say(resolve(ends_at=START + 5 * MINUTE))) is Outcome.RESOLVED


@pytest.mark.parametrize("start", [START, START - MINUTE])
def test_32_a_late_repeat_of_an_episode_that_has_just_ended_reopens_nothing(
    say: Say, start: datetime
) -> None:
    say(trigger(starts_at=START), resolve(starts_at=START, ends_at=START + MINUTE))
    [late] = say(trigger(starts_at=start))
    assert (late.outcome, late.note) == (
        Outcome.IGNORED,
        "A late repeat of what the sender has just resolved.",
    )
    assert Incident.objects.get().status == "resolved"


def test_32_in_doubt_a_firing_is_not_dropped(say: Say) -> None:
    """Without a start, or with a newer one, nothing says that it is late."""
    for start in (None, START + MINUTE, START + 2 * MINUTE):
        say(trigger(starts_at=START), resolve())
        say(trigger(starts_at=start))
        assert Incident.objects.get().status == "open"


def test_after_an_incident_that_was_not_made_by_a_signal(say: Say, rita: User, olga: User) -> None:
    origin = Origin(rita.pk, Event.Channel.POST)
    new = NewIncident("db1 is down", Source.MONITORING, dedup_key="db1")
    first = services.create(new, origin)
    assert outcome_of(say(trigger(starts_at=START))) is Outcome.REPEATED
    assert Episode.objects.get().starts_at == START
    assert outcome_of(say(resolve())) is Outcome.RESOLVED
    services.change(first.id, Origin(olga.pk, Event.Channel.PAGE), status=Status.CLOSED)
    assert outcome_of(say(trigger(starts_at=START + MINUTE))) is Outcome.CREATED


# ------------------------------------------------------------------ acknowledge, note, test


def test_29_an_acknowledgement_sets_in_progress_once_and_assigns_nobody(say: Say) -> None:
    acknowledge = Signal(action=ACKNOWLEDGE, key="db1", title="db1", details="Anna: looking")
    say(trigger())
    assert outcome_of(say(acknowledge)) is Outcome.ACKNOWLEDGED
    one = Incident.objects.get()
    assert (one.status, one.assignee) == ("in_progress", None)
    event = one.events.latest("id")
    assert (event.kind, event.comment, event.status_from) == ("status_changed", "Anna: looking", "open")
    [again] = say(replace(acknowledge, details=""))
    assert (again.outcome, again.note) == (Outcome.IGNORED, "It says nothing new.")
    assert one.events.count() == 2
    assert outcome_of(say(acknowledge)) is Outcome.NOTED


def test_29_a_note_is_a_comment_and_may_raise_the_severity(say: Say) -> None:
    note = Signal(action=NOTE, key="db1", title="db1", details="Anna: looking", severity=Severity.ERROR)
    say(trigger(severity=Severity.WARNING))
    assert outcome_of(say(note)) is Outcome.NOTED
    one = Incident.objects.get()
    assert (one.status, one.severity, one.repeats) == ("open", "error", 0)
    assert list(one.events.values_list("kind", "comment")) == [
        ("created", ""), ("commented", "Anna: looking"), ("severity", ""),
    ]  # fmt: skip
    assert outcome_of(say(replace(note, details=""))) is Outcome.IGNORED


def test_22_a_test_stores_nothing(say: Say) -> None:
    say(trigger())
    results = say(Signal(action=TEST, key="db1", title="Test"), Signal(action=TEST, key="t", title="Test"))
    assert [(one.outcome, one.incident_id) for one in results] == [(Outcome.TEST, None)] * 2
    assert (Incident.objects.count(), Event.objects.count()) == (1, 1)
    assert Incident.objects.get().repeats == 0


def test_16_what_is_absent_from_a_call_is_not_resolved(say: Say) -> None:
    say(trigger("a"), trigger("b"))
    say(trigger("a"))
    assert set(Incident.objects.values_list("status", flat=True)) == {"open"}


def test_31_an_unknown_severity_is_none(say: Say) -> None:
    say(trigger(severity=None))
    assert Incident.objects.get().severity is None


def test_a_full_history_still_lets_the_sender_end_it(say: Say) -> None:
    say(trigger(severity=Severity.INFO))
    one = Incident.objects.get()
    events = [Event(incident=one, kind="commented", channel="hook", status_to="open") for _ in range(9_999)]
    Event.objects.bulk_create(events)
    outcomes = say(
        Signal(action=ACKNOWLEDGE, key="db1", title="t", details="d"),
        Signal(action=NOTE, key="db1", title="t", details="d"),
        trigger(severity=Severity.CRITICAL),
        resolve(),
    )
    assert [one.outcome for one in outcomes] == ["ignored", "ignored", "repeated", "resolved"]
    assert outcomes[0].note == "The incident has too many events."
    assert Event.objects.count() == 10_001
    assert outcome_of(say(trigger())) is Outcome.CREATED


# ------------------------------------------------------------------ many at once


def test_11_signals_beyond_a_batch_are_all_applied(say: Say) -> None:
    keys = [f"k{number}" for number in range(250)]
    random.Random(1).shuffle(keys)  # noqa: S311
    assert {one.outcome for one in say(*map(trigger, keys))} == {Outcome.CREATED}
    outcomes = say(*map(resolve, keys), *map(trigger, keys))
    assert [one.signal.key for one in outcomes] == keys * 2
    assert [one.outcome for one in outcomes] == [Outcome.RESOLVED] * 250 + [Outcome.REOPENED] * 250
    assert Incident.objects.count() == 250
    assert Incident.objects.filter(status="open", repeats=1).count() == 250


@pytest.mark.django_db(transaction=True)
def test_1_of_16_parallel_posts_of_a_key_one_incident_is_left(sender: Sender) -> None:
    def post(number: int) -> list[SignalOutcome]:
        keys = [f"k{key}" for key in range(30)]
        random.Random(number).shuffle(keys)  # noqa: S311
        return signal_service.handle([trigger(key, starts_at=START) for key in keys], sender)

    results = together(16, post)
    assert all(isinstance(result, list) for result in results), results
    assert sorted(one.outcome for result in results for one in result) == sorted(
        ["created"] * 30 + ["repeated"] * 15 * 30
    )
    assert Incident.objects.count() == Event.objects.count() == Episode.objects.count() == 30
    assert set(Incident.objects.values_list("repeats", flat=True)) == {15}


@pytest.mark.django_db(transaction=True)
def test_1_whatever_runs_at_the_same_time_a_key_has_at_most_one_unfinished_incident(
    sender: Sender, olga: User, rita: User
) -> None:
    keys = [f"k{key}" for key in range(4)]
    never = replace(sender, reopen_within=timedelta(0))
    by_page = Origin(olga.pk, Event.Channel.PAGE)

    def run(number: int) -> int:
        chosen = random.Random(number)  # noqa: S311
        for _ in range(12):
            key = chosen.choice(keys)
            step = chosen.randrange(5)
            if step == 0:
                services.create(
                    NewIncident("down", Source.MONITORING, dedup_key=key), Origin(rita.pk, Event.Channel.POST)
                )
            elif step == 1:
                incidents = list(Incident.objects.values_list("id", flat=True))
                if incidents:
                    status = chosen.choice([Status.OPEN, Status.CLOSED])
                    with contextlib.suppress(services.KeyIsActive):
                        services.change(chosen.choice(incidents), by_page, status=status)
            else:
                signals = [chosen.choice([trigger, resolve])(one) for one in chosen.sample(keys, 4)]
                signal_service.handle(signals, chosen.choice([sender, never]))
        return number

    results = together(8, run)
    assert results == list(range(8)), [one for one in results if isinstance(one, Exception)]
    for key in keys:
        assert Incident.objects.filter(dedup_key=key, status__in=UNFINISHED).count() <= 1
    for one in Incident.objects.all():
        walked = [Event(status_to=""), *one.events.all()]
        for before, event in itertools.pairwise(walked):
            assert event.status_from in ("", before.status_to)
        assert walked[-1].status_to == one.status


@pytest.mark.django_db(transaction=True)
def test_32_who_waits_for_an_incident_sees_what_its_sender_said_meanwhile(sender: Sender) -> None:
    signal_service.handle([trigger(starts_at=START)], sender)
    found: list[SignalOutcome] = []

    def repeat() -> None:
        found.extend(signal_service.handle([trigger(starts_at=START)], sender))
        connection.close()

    late = threading.Thread(target=repeat)
    with transaction.atomic():
        signal_service.handle([resolve()], sender)
        late.start()
        late.join(timeout=0.5)
        assert late.is_alive()
    late.join(timeout=30)
    assert outcome_of(found) is Outcome.IGNORED
    assert Incident.objects.get().status == "resolved"


@pytest.mark.django_db(transaction=True)
def test_12_an_unknown_user_is_an_error_and_not_retried_for_ever() -> None:
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        signal_service.handle([trigger()], Sender(10**9, Source.MONITORING))
    assert not Incident.objects.exists()
