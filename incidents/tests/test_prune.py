import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Sum
from django.utils import timezone

from incidents import bulk, services, signal_service
from incidents.management.commands import prune
from incidents.models import ChangeKey, Episode, Event, Incident, Source, Status
from incidents.services import Origin
from incidents.signal_rules import Sender
from incidents.signals import Action, Signal
from incidents.statistics import buckets
from incidents.statistics.models import Bucket
from incidents.transfer.archive import Archive
from users.models import User

Make = Callable[..., Incident]


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prune, "BATCH", 2)


@pytest.fixture
def finished(incident: Make) -> Callable[..., Incident]:
    """Make an incident that was last updated `days` ago."""

    def make(status: Status = Status.CLOSED, *, days: int = 100) -> Incident:
        made = incident(f"{status}, {days} days ago", status=status)
        updated_at = timezone.now() - timedelta(days=days)
        Incident.objects.filter(pk=made.pk).update(updated_at=updated_at)
        return made

    return make


def run(*arguments: Any) -> str:
    out = StringIO()
    call_command("prune", *map(str, arguments), stdout=out)
    return out.getvalue()


def left() -> set[str]:
    return set(Incident.objects.values_list("status", flat=True))


def test_finished_incidents_are_deleted_with_their_history(finished: Make) -> None:
    for status in Status:
        finished(status)
    assert run("--older-than", 90).startswith("4 incidents deleted")
    assert left() == {"open", "in_progress", "unknown"}
    assert set(Event.objects.values_list("incident__status", flat=True)) == left()


def test_what_senders_said_is_deleted_with_the_incident(rita: User, olga: User) -> None:
    signals = [
        Signal(action=action, key="db1", title="Down") for action in (Action.TRIGGER, Action.RESOLVE) * 2
    ]
    sender = Sender(rita.pk, Source.MONITORING, reopen_within=timedelta(0))
    signal_service.handle(signals, sender)
    old, new = Incident.objects.order_by("id")
    origin = Origin(olga.pk, Event.Channel.PAGE)
    services.change(old.pk, origin, comment="x", idempotency_key="a")
    Incident.objects.filter(pk=old.pk).update(updated_at=timezone.now() - timedelta(days=100))
    assert Episode.objects.get(incident=new).previous == old
    assert run("--older-than", 90).startswith("1 incidents deleted")
    [episode] = Episode.objects.all()
    assert (episode.incident, episode.previous) == (new, None)
    assert not ChangeKey.objects.exists()


def test_incidents_with_equal_updated_at_are_all_deleted(finished: Make) -> None:
    for _n in range(7):
        finished()
    Incident.objects.update(updated_at=timezone.now() - timedelta(days=100))
    assert run("--older-than", 90).startswith("7 incidents deleted")


def test_recently_updated_incidents_stay(finished: Make) -> None:
    finished(days=89)
    old = finished(days=91)
    services.change(old.pk, Origin(None, Event.Channel.COMMAND), comment="a late comment")
    assert run("--older-than", 90).startswith("0 incidents deleted")


def test_statuses_can_be_chosen_but_no_active_one(finished: Make) -> None:
    for status in Status:
        finished(status)
    run("--older-than", 90, "--statuses", "unknown", "fake")
    assert left() == set(Status.values) - {"unknown", "fake"}
    with pytest.raises(CommandError, match="invalid choice: 'open'"):
        run("--older-than", 90, "--statuses", "open")


def test_a_dry_run_counts_and_deletes_nothing(finished: Make) -> None:
    finished()
    finished(Status.OPEN)
    assert run("--older-than", 90, "--dry-run") == "1 incidents would be deleted\n"
    assert Incident.objects.count() == 2


@pytest.mark.parametrize("days", ["0", "-1", "99999999"])
def test_the_age_has_limits(days: str) -> None:
    with pytest.raises(CommandError, match="must be from 1 to"):
        run(f"--older-than={days}")


def test_an_archive_can_be_imported(finished: Make, tmp_path: Path) -> None:
    archive = tmp_path / "archive.jsonl"
    made = [finished(status) for status in (Status.CLOSED, Status.FAKE, Status.RESOLVED)]
    before = list(Incident.objects.order_by("id").values())
    run("--older-than", 90, "--archive", archive)
    assert not Incident.objects.exists()
    assert len(json.loads(archive.read_text().splitlines()[0])["events"]) == 2
    call_command("import", str(archive), stdout=StringIO())
    assert list(Incident.objects.order_by("id").values()) == before
    assert Event.objects.count() == 2 * len(made)


def test_an_archive_is_continued_after_a_half_written_record(finished: Make, tmp_path: Path) -> None:
    archive = tmp_path / "archive.jsonl"
    archive.write_text('{"whole": 1}\n{"half')
    finished()
    run("--older-than", 90, "--archive", archive)
    [whole, half, added] = archive.read_text().splitlines()
    assert (whole, half) == ('{"whole": 1}', '{"half')
    assert json.loads(added)["status"] == "closed"


def test_nothing_is_deleted_when_archiving_fails(
    finished: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Archive, ids: list[int]) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Archive, "add", full)
    finished()
    with pytest.raises(CommandError, match="No space left"):
        run("--older-than", 90, "--archive", tmp_path / "archive.jsonl")
    assert Incident.objects.count() == 1


def test_incidents_changed_between_archiving_and_deletion_stay(finished: Make) -> None:
    taken_up, commented, gone = finished(), finished(), finished()
    origin = Origin(None, Event.Channel.COMMAND)
    services.change(taken_up.pk, origin, status=Status.OPEN)
    services.change(commented.pk, origin, comment="a late comment")
    ids = [taken_up.pk, commented.pk, gone.pk]
    assert bulk.delete_batch(ids, unchanged_since=timezone.now() - timedelta(days=90)) == 1
    assert set(Incident.objects.values_list("pk", flat=True)) == {taken_up.pk, commented.pk}


def test_statistics_keep_events_of_pruned_incidents(finished: Make) -> None:
    made = finished()
    Event.objects.filter(incident=made).update(at=timezone.now() - timedelta(days=100))
    run("--older-than", 30)
    assert not Incident.objects.exists()
    assert Bucket.objects.aggregate(finished=Sum("finished")) == {"finished": 1}


def test_statistics_keep_events_imported_while_prune_runs(
    finished: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete_batch = bulk.delete_batch

    def delete_and_make_another(*args: Any, **more: Any) -> int:
        monkeypatch.setattr(bulk, "delete_batch", delete_batch)
        finished(days=95)
        return delete_batch(*args, **more)

    for _n in range(2):
        finished()
    monkeypatch.setattr(bulk, "delete_batch", delete_and_make_another)
    assert run("--older-than", 90).startswith("3 incidents deleted")
    assert Bucket.objects.aggregate(finished=Sum("finished")) == {"finished": 3}


def test_recount_corrects_the_double_count_of_an_imported_archive(finished: Make, tmp_path: Path) -> None:
    archive = tmp_path / "archive.jsonl"
    finished()
    run("--older-than", 90, "--archive", archive)
    call_command("import", str(archive), stdout=StringIO())
    out = StringIO()
    call_command("recount", stdout=out)
    assert out.getvalue().startswith("incidents and statistics are counted anew")
    assert Bucket.objects.aggregate(finished=Sum("finished")) == {"finished": 1}
    assert buckets.percent_counted() == 100
