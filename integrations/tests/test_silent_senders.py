"""Incidents of which their sender says nothing any more."""

from datetime import timedelta

import pytest
from django.utils import timezone

from incidents.models import Incident
from integrations import silent_senders
from integrations.models import Kind
from integrations.tests.conftest import Connect, firing
from testing.clients import together


def comments(incident: Incident) -> list[str]:
    return list(incident.events.filter(kind="commented").values_list("comment", flat=True))


@pytest.fixture(autouse=True)
def no_step_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silent_senders.Throttle, "last_step", None)


def test_a_silent_incident_is_marked_once_in_each_silence(connect: Connect) -> None:
    hook = connect(Kind.ALERTMANAGER, stale_minutes=30)
    hook.post(firing("silent", "resolved"))
    hook.post(firing("resolved", status="resolved", endsAt=timezone.now().isoformat()))
    now = timezone.now()
    assert silent_senders.mark_stale(now + timedelta(minutes=29)) == 0
    assert silent_senders.mark_stale(now + timedelta(minutes=31)) == 1
    assert silent_senders.mark_stale(now + timedelta(minutes=33)) == 0
    over, silent = sorted(hook.incidents, key=lambda incident: incident.status == "open")
    assert comments(silent) == ["Устарел: нет сигнала 30 мин."]
    assert (silent.status, comments(over)) == ("open", [])
    event = silent.events.latest("id")
    assert (event.by, event.channel) == (hook.integration.user, "hook")
    # A signal ends the silence, another silence is another mark.
    Incident.objects.filter(pk=silent.pk).update(last_seen_at=now + timedelta(minutes=40))
    assert silent_senders.mark_stale(now + timedelta(minutes=60)) == 0
    assert silent_senders.mark_stale(now + timedelta(minutes=75)) == 1
    assert len(comments(silent)) == 2


def test_a_silent_incident_may_be_resolved_with_that_reason(connect: Connect) -> None:
    hook = connect(Kind.ALERTMANAGER, stale_minutes=30, resolves_stale=True)
    hook.post(firing("silent"))
    [silent] = hook.incidents
    later = timezone.now() + timedelta(minutes=31)
    assert silent_senders.mark_stale(later) == 1
    assert silent_senders.mark_stale(later + timedelta(hours=1)) == 0
    event = silent.events.latest("id")
    assert (event.status_to, event.comment) == ("resolved", "Устарел: нет сигнала 30 мин.")
    assert (event.by, event.channel) == (hook.integration.user, "hook")
    assert hook.statuses == ["resolved"]
    # The sender speaks again: it was not over.
    assert hook.post(firing("silent")).outcomes == ["reopened"]
    assert hook.statuses == ["open"]


def test_by_default_nothing_is_marked(connect: Connect) -> None:
    hook = connect(Kind.ALERTMANAGER)
    hook.post(firing("silent"))
    assert silent_senders.mark_stale(timezone.now() + timedelta(days=300)) == 0


def test_of_many_100_are_marked_at_a_time_and_none_is_left_out(connect: Connect) -> None:
    hook = connect(Kind.ALERTMANAGER, stale_minutes=30)
    hook.post(firing(*(f"db{number}" for number in range(150))))
    later = timezone.now() + timedelta(hours=1)
    found = [silent_senders.mark_stale(later + timedelta(minutes=2 * step)) for step in range(3)]
    assert sum(found) == 150
    assert all(len(comments(incident)) == 1 for incident in hook.incidents)


@pytest.mark.django_db(transaction=True)
def test_processes_that_look_at_the_same_time_mark_once(connect: Connect) -> None:
    hook = connect(Kind.ALERTMANAGER, stale_minutes=30)
    hook.post(firing("silent"))
    later = timezone.now() + timedelta(hours=1)
    assert sum(together(8, lambda _number: silent_senders.mark_stale(later))) == 1
    assert len(comments(hook.incidents[0])) == 1


def test_a_post_of_any_integration_looks_for_the_silence_of_others_once_a_minute(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent, other = connect(Kind.ALERTMANAGER, stale_minutes=30), connect(Kind.ALERTMANAGER)
    silent.post(firing("silent"))
    past = timezone.now() - timedelta(hours=2)
    Incident.objects.update(last_seen_at=past + timedelta(minutes=1))
    type(silent.integration).objects.update(stale_checked_at=past)
    other.post(firing("a"))
    assert comments(silent.incidents[0]) == []
    monkeypatch.setattr(silent_senders.Throttle, "last_step", None)
    other.post(firing("a"))
    assert len(comments(silent.incidents[0])) == 1
