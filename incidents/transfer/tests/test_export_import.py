import csv
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO, StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from incidents import services, signal_service
from incidents.models import Episode, Event, Incident, Source, Status
from incidents.search_text import folded
from incidents.services import NewIncident, Origin
from incidents.severity import Severity
from incidents.signal_rules import Sender
from incidents.signals import Action, Signal
from incidents.transfer import formats, reader
from incidents.transfer.users import UsernameCache
from users.models import User

Make = Callable[..., Incident]
OF_COMMANDS = Origin(None, Event.Channel.COMMAND)


def run(*arguments: Any) -> str:
    out = StringIO()
    call_command(*map(str, arguments), stdout=out, stderr=out)
    return out.getvalue()


def delete_all() -> None:
    Event.objects.all().delete()
    Episode.objects.all().delete()
    Incident.objects.all().delete()


def without_event_ids() -> list[Any]:
    events = Event.objects.order_by("incident_id", "id")
    fields = ("incident_id", "kind", "at", "by_id", "channel", "status_from", "status_to", "comment")
    return [
        *Incident.objects.order_by("id").values(),
        *events.values_list(*fields, "severity", "assignee_id"),
        *Episode.objects.order_by("incident").values(),
    ]


def lines(path: Path, *records: Any) -> Path:
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "incidents.jsonl"


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "CHUNK", 2)


# The round trip


@pytest.fixture
def stored(incident: Make, small_chunks: None, olga: User, rita: User) -> list[Any]:
    """Five incidents that together have every field and kind of event."""
    incident("=cmd|' /C calc'!A0", source=Source.PARTNER, idempotency_key="=key")
    incident("'quoted', \"twice\",\n\ttabbed\r\nлиния", status=Status.CLOSED)
    same = datetime(2025, 11, 11, 23, 8, 12, 266000, tzinfo=UTC)
    incident("Самокат", created_at=same)
    incident("Самокат", created_at=same)
    services.create(NewIncident("nobody's", Source.SYSTEM, None, "k-1"), OF_COMMANDS)
    services.change(Incident.objects.latest("id").pk, OF_COMMANDS, comment="a\nb «в»")
    signal = Signal(action=Action.TRIGGER, key="=db1", title="Down", severity=Severity.ERROR, starts_at=same)
    louder = replace(signal, severity=Severity.CRITICAL, title="Still down", link="https://grafana/d/1")
    over = replace(signal, action=Action.RESOLVE)
    sender = Sender(rita.pk, Source.MONITORING)
    signal_service.handle([signal, louder, over, replace(louder, starts_at=None)], sender)
    services.change(Incident.objects.latest("id").pk, OF_COMMANDS, assignee=olga.pk)
    return without_event_ids()


def test_jsonl_loses_nothing(stored: list[Any], file: Path) -> None:
    run("export", file)
    delete_all()
    assert "6 incidents brought in, 0 were here already" in run("import", file)
    assert without_event_ids() == stored


def test_csv_loses_nothing_but_the_history(stored: list[Any], tmp_path: Path) -> None:
    file = tmp_path / "incidents.csv"
    run("export", file)
    delete_all()
    run("import", file)
    # The comments, which the search looks at as well, are of the history.
    assert without_event_ids()[:6] == [
        one | {"search_text": folded(one["description"])} for one in stored[:6]
    ]
    closed = Incident.objects.get(status=Status.CLOSED)
    steps = list(closed.events.values_list("kind", "at", "channel", "status_from", "status_to"))
    assert steps == [
        ("created", closed.created_at, "command", "", "open"),
        ("status_changed", closed.updated_at, "command", "open", "closed"),
    ]


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_the_same_file_twice_makes_no_second_incident(suffix: str, stored: list[Any], tmp_path: Path) -> None:
    file = tmp_path / f"incidents.{suffix}"
    run("export", file)
    assert "0 incidents brought in, 6 were here already" in run("import", file)
    delete_all()
    run("import", file)
    assert "0 incidents brought in, 6 were here already" in run("import", file)
    assert Incident.objects.count() == 6


def test_an_import_does_not_overwrite_a_later_change(incident: Make, file: Path) -> None:
    pk = incident().pk
    run("export", file)
    services.change(pk, OF_COMMANDS, status=Status.CLOSED)
    run("import", file)
    assert Incident.objects.get().status == Status.CLOSED


def test_a_taken_id_is_replaced_and_recognized_by_the_next_import(incident: Make, file: Path) -> None:
    there = incident("from elsewhere")
    run("export", file)
    Incident.objects.update(description="another one")
    for outcome in ("1 incidents brought in", "1 were here already"):
        assert outcome in run("import", file)
    brought = Incident.objects.get(description="from elsewhere")
    assert brought.pk != there.pk
    assert str(brought.idempotency_key).startswith("import-")
    assert list(brought.events.values_list("kind", flat=True)) == ["created"]


@pytest.mark.django_db
def test_imported_ids_are_not_assigned_again(file: Path) -> None:
    run("import", lines(file, {"id": 40_000, "description": "far", "source": "partner"}))
    created = services.create(NewIncident("next", Source.PARTNER), OF_COMMANDS)
    assert created.id > 40_000
    run("import", lines(file, {"id": 30_000, "description": "near", "source": "partner"}))
    assert services.create(NewIncident("next", Source.PARTNER), OF_COMMANDS).id > created.id


# Export


def test_filters_of_export(incident: Make, file: Path) -> None:
    incident("a", source=Source.PARTNER, created_at=datetime(2025, 1, 1, tzinfo=UTC))
    incident("b", source=Source.PARTNER, created_at=datetime(2025, 1, 2, tzinfo=UTC), status=Status.FAKE)
    incident("c", created_at=datetime(2025, 1, 3, tzinfo=UTC))

    def exported(*options: str) -> str:
        run("export", file, *options)
        return "".join(json.loads(line)["description"] for line in file.read_text().splitlines())

    assert exported() == "abc"
    assert exported("--source", "partner") == "ab"
    assert exported("--status", "open") == "ac"
    assert exported("--status", "open", "--source", "partner") == "a"
    assert exported("--since", "2025-01-02T00:00:00Z") == "bc"
    assert exported("--until", "2025-01-02T00:00:00Z") == "a"
    with pytest.raises(CommandError, match="write 'yesterday' as"):
        run("export", file, "--since", "yesterday")


@pytest.mark.django_db
def test_a_failed_export_leaves_the_previous_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("the one before")
    monkeypatch.setattr(reader, "chunks", lambda *_given, **_more: iter([SimpleNamespace()]))
    with pytest.raises(AttributeError):
        run("export", file)
    assert file.read_text() == "the one before"
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_export_and_import_through_a_pipe(form: str, incident: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    incident("through a pipe")
    pipe = BytesIO()
    monkeypatch.setattr("sys.stdout", SimpleNamespace(buffer=pipe, flush=lambda: None))
    run("export", "--format", form)
    delete_all()
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=BytesIO(pipe.getvalue())))
    run("import", "-", "--format", form)
    assert Incident.objects.get().description == "through a pipe"


@pytest.mark.django_db(transaction=True)
def test_an_export_reads_a_row_and_its_history_in_one_snapshot(
    incident: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    pk = incident().pk
    read_rows = reader.read_rows

    def changed_meanwhile(incidents: Any) -> Any:
        rows = read_rows(incidents)
        from concurrent.futures import ThreadPoolExecutor

        def change() -> None:
            services.change(pk, OF_COMMANDS, status=Status.CLOSED)
            connection.close()

        with ThreadPoolExecutor(1) as pool:
            pool.submit(change).result()
        return rows

    monkeypatch.setattr(reader, "read_rows", changed_meanwhile)
    chunk = reader.read(Incident.objects.all(), with_events=True)
    assert chunk.rows[0].status == "open"
    assert len(chunk.events[pk]) == 1
    assert Incident.objects.get().events.count() == 2


# CSV


def test_no_cell_begins_like_a_formula(olga: User, incident: Make, tmp_path: Path) -> None:
    olga.username = "@olga"
    olga.save()
    incident("-1+1", idempotency_key="+1")
    run("export", tmp_path / "a.csv")
    text = (tmp_path / "a.csv").read_text(encoding="utf-8-sig")
    [_header, row] = csv.reader(StringIO(text))
    assert [cell for cell in row if cell.startswith(tuple("=+-@"))] == []
    assert row[1] == "'-1+1"


@pytest.mark.django_db
def test_a_csv_made_by_hand_needs_two_columns(tmp_path: Path) -> None:
    file = tmp_path / "by hand.csv"
    file.write_text("source,description\npartner,one\n\npartner,one\n")
    assert "2 incidents brought in" in run("import", file)
    assert "2 were here already" in run("import", file)
    assert list(Incident.objects.values_list("status", flat=True)) == ["open", "open"]
    assert list(Event.objects.values_list("kind", "channel")) == [("created", "command")] * 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the first line must name the columns"),
        (b"description,source,colour\n", "the first line must name the columns"),
        (b"description\n", "the first line must name the columns"),
        (b"description,source,source\n", "the first line must name the columns"),
        (b"description,source\na,partner\na,partner,more\n", "line 3: it has 3 cells, the first line 2"),
        (b'description,source\n"a"b,partner\n', "line 2: it is not CSV"),
        (b'description,source\n"a\nb",partner\n"unfinished', "line 4: it is not CSV"),
        (b"description,source\n\xff,partner\n", "line 2: it is not UTF-8"),
        ("id,description,source\n١,a,partner\n".encode(), "line 2: id must be a whole number"),
        (b"description,source\n ,partner\n", "line 2: description is required"),
    ],
)
def test_an_invalid_csv_is_explained(content: bytes, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "broken.csv"
    file.write_bytes(content)
    with pytest.raises(CommandError, match=reason):
        run("import", file)


# Import


GOOD = {"description": "good", "source": "partner"}
EVENT = {"kind": "created", "at": "2025-11-11T23:08:12Z", "door": "post", "status_to": "open"}
INVALID: list[tuple[Any, str]] = [
    ([], "it is not a JSON object"),
    ({"source": "partner"}, "description is required"),
    (GOOD | {"description": " \n"}, "description is required"),
    (GOOD | {"description": 5}, "description must be text"),
    (GOOD | {"description": "a\0"}, "description has forbidden characters"),
    (GOOD | {"description": "a" * 10_001}, "description is too long, use at most 10000 characters"),
    (GOOD | {"colour": "red"}, "unknown field: colour"),
    (GOOD | {"source": "space"}, "source must be one of: monitoring, operator"),
    (GOOD | {"source": []}, "source must be one of"),
    ({"description": "a"}, "source must be one of"),
    (GOOD | {"status": "new"}, "status must be one of"),
    (GOOD | {"created_at": "2025-11-11"}, "created_at must be a timestamp such as"),
    (GOOD | {"created_at": "2301-01-01T00:00:00Z"}, "created_at must be a timestamp such as"),
    (GOOD | {"updated_at": 5}, "updated_at must be a timestamp such as"),
    (GOOD | {"id": True}, "id must be a whole number"),
    (GOOD | {"id": 0}, "id must be a whole number"),
    (GOOD | {"id": 2**53}, "id must be a whole number"),
    (GOOD | {"idempotency_key": "a b"}, "idempotency_key must be"),
    (GOOD | {"idempotency_key": "a\n"}, "idempotency_key must be"),
    (GOOD | {"idempotency_key": ""}, "idempotency_key must be"),
    (GOOD | {"created_by": "nemo"}, "created_by: there is no user 'nemo' here; --make-users"),
    (GOOD | {"created_by": 5}, "created_by must be a user's name"),
    (GOOD | {"created_by": "\0"}, "created_by must be a user's name"),
    (GOOD | {"events": {}}, "events must be a list of objects"),
    (GOOD | {"events": [5]}, "events must be a list of objects"),
    (GOOD | {"events": [EVENT | {"kind": "burnt"}]}, "kind must be one of"),
    (GOOD | {"events": [EVENT | {"at": None}]}, "at is required of an event"),
    (GOOD | {"events": [EVENT | {"door": "window"}]}, "door must be one of"),
    (GOOD | {"events": [EVENT | {"status_to": ""}]}, "status_to must be one of"),
    (
        GOOD | {"events": [EVENT | {"status_from": "closed"}]},
        "an event that is no status_changed or reopened changes the status",
    ),
    (GOOD | {"events": [EVENT | {"comment": "a" * 2001}]}, "comment is too long"),
    (GOOD | {"severity": "disaster"}, "severity must be one of: critical, error, info, warning"),
    (GOOD | {"assignee": "nemo"}, "assignee: there is no user 'nemo' here"),
    (GOOD | {"dedup_key": "k" * 256}, "dedup_key must be text of 1 to 255 characters"),
    (GOOD | {"dedup_key": " "}, "dedup_key must be text of 1 to 255 characters"),
    (GOOD | {"dedup_key": 5}, "dedup_key must be text of 1 to 255 characters"),
    (GOOD | {"repeats": -1}, "repeats must be a whole number from 0"),
    (GOOD | {"repeats": 2**31}, "repeats must be a whole number from 0"),
    (GOOD | {"last_seen_at": "now"}, "last_seen_at must be a timestamp"),
    (GOOD | {"episode": []}, "episode must be an object of starts_at"),
    (GOOD | {"episode": {"colour": "red"}}, "episode must be an object of starts_at"),
    (GOOD | {"episode": {"link": "a" * 2001}}, "link is too long"),
    (GOOD | {"events": [EVENT | {"severity": ""}]}, "severity must be one of"),
    (GOOD | {"events": [EVENT | {"assignee": "nemo"}]}, "assignee: there is no user 'nemo' here"),
    (GOOD | {"events": [EVENT | {"colour": "red"}]}, "unknown field of an event: colour"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("record", "reason"), INVALID)
def test_an_invalid_record_is_named_and_the_records_before_it_are_kept(
    record: Any, reason: str, file: Path
) -> None:
    lines(file, GOOD, GOOD | {"description": "second"}, record, GOOD)
    with pytest.raises(CommandError) as failed:
        run("import", file)
    assert f"line 3: {reason}" in str(failed.value)
    assert "2 incidents brought in" in str(failed.value)
    assert Incident.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("line", [b"{", b'{"description": "\xff"}', b'{"description": "\\ud800"}', b"NaN"])
def test_a_line_that_is_no_json_is_named(line: bytes, file: Path) -> None:
    file.write_bytes(b"\n" + line + b"\n")
    with pytest.raises(CommandError, match="line 2: it is not JSON"):
        run("import", file)


@pytest.mark.django_db
def test_skip_broken_skips_invalid_records(file: Path) -> None:
    lines(file, GOOD, GOOD | {"source": ""}, [], GOOD)
    said = run("import", file, "--skip-broken")
    assert "line 2: source must be one of" in said
    assert "line 3: it is not a JSON object" in said
    assert "2 incidents brought in, 0 were here already, 2 broken records skipped" in said


@pytest.mark.django_db
def test_an_interrupted_import_is_continued_by_running_it_again(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("incidents.management.commands.import.BATCH", 2)
    records = [GOOD | {"idempotency_key": f"k{number}"} for number in range(5)]
    with pytest.raises(CommandError, match=r"line 4: .*3 incidents brought in"):
        run("import", lines(file, *records[:3], [], *records[4:]))
    assert "2 incidents brought in, 3 were here already" in run("import", lines(file, *records))


@pytest.mark.django_db
def test_a_key_of_another_incident_is_an_error(file: Path) -> None:
    lines(file, GOOD | {"idempotency_key": "k"}, GOOD | {"idempotency_key": "k", "description": "other"})
    with pytest.raises(CommandError, match="line 2: idempotency_key was used for another incident"):
        run("import", file)
    assert Incident.objects.get().description == "good"


@pytest.mark.django_db
def test_make_users_creates_users_that_cannot_log_in(file: Path) -> None:
    lines(file, GOOD | {"created_by": "nemo", "events": [EVENT | {"by": "vanya"}]})
    run("import", file, "--make-users")
    assert set(User.objects.values_list("username", "is_active")) == {("nemo", False), ("vanya", False)}
    assert not any(user.has_usable_password() for user in User.objects.all())
    assert UsernameCache()[Event.objects.get().by_id] == "vanya"
    with pytest.raises(CommandError, match="line 1: created_by: "):
        run("import", lines(file, GOOD | {"created_by": "a b"}), "--make-users")


@pytest.mark.django_db
def test_a_line_has_a_maximum_length(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "MAX_LINE_BYTES", 100)
    file.write_bytes(b"a" * 200)
    with pytest.raises(CommandError, match="a line of more than 100 bytes"):
        run("import", file)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        run("import", tmp_path / "nothing.jsonl")


def test_an_unfinished_incident_is_not_brought_in_beside_one_with_its_key(
    incident: Make, file: Path, olga: User
) -> None:
    incident("here", dedup_key="db1")
    other = {**GOOD, "created_by": "olga", "dedup_key": "db1"}
    lines(
        file, other | {"status": "closed"}, other | {"created_by": None}, other, other | {"description": "b"}
    )
    with pytest.raises(CommandError, match="line 3: another incident that is not finished has its dedup_key"):
        run("import", file)
    assert "2 broken records skipped" in run("import", file, "--skip-broken")
    assert Incident.objects.filter(dedup_key="db1").count() == 3


def test_of_two_with_one_key_in_a_file_the_first_is_brought_in(file: Path, db: None) -> None:
    key = {"dedup_key": "db1"}
    lines(file, GOOD | key, GOOD | key | {"description": "second"}, GOOD | {"description": "third"})
    assert "1 broken records skipped" in run("import", file, "--skip-broken")
    assert set(Incident.objects.values_list("description", "dedup_key")) == {("good", "db1"), ("third", None)}


def test_a_file_of_version_1_0_is_brought_in(file: Path, olga: User) -> None:
    event = EVENT | {"by": "olga", "status_from": "", "comment": ""}
    old = {"id": 7, "status": "open", "created_at": "2025-11-11T23:08:12Z", "updated_at": None}
    lines(file, GOOD | old | {"created_by": "olga", "idempotency_key": None, "events": [event]})
    run("import", file)
    one = Incident.objects.get(pk=7)
    assert (one.severity, one.assignee, one.dedup_key, one.repeats, one.last_seen_at) == (
        None, None, None, 0, None,
    )  # fmt: skip
    assert not Episode.objects.exists()
