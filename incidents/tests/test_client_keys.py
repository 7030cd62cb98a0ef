"""Reports and changes by key: at most one unfinished incident has a given key of a given reporter."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone

from incidents import services
from incidents.models import FINISHED, UNFINISHED, ChangeKey, Event, Incident, Source, Status
from incidents.services import (
    Created,
    IdempotencyKeyReused,
    IncidentNotFound,
    KeyIsActive,
    NewIncident,
    Origin,
)
from incidents.severity import Severity
from incidents.statements import INCIDENT_COLUMNS
from incidents.validators import normalized_dedup_key
from testing.clients import together
from users.models import User

Report = Callable[..., Incident]


def by(user: User | None) -> Origin:
    return Origin(user.pk if user else None, Event.Channel.POST)


def new(text: str = "Disk full", **more: Any) -> NewIncident:
    return NewIncident(text, Source.MONITORING, **{"dedup_key": "db1/disk", **more})


def stored() -> tuple[Any, ...]:
    return tuple(Incident.objects.values_list(*INCIDENT_COLUMNS).get())


# ------------------------------------------------------------------ create


def test_a_report_with_severity_and_key_stores_both(rita: User) -> None:
    created = services.create(new(severity=Severity.ERROR), by(rita))
    assert created.incident == stored() == created.reported
    assert created.incident[6:] == ("error", None, "db1/disk", 0, None)
    assert Event.objects.get().severity == "error"


@pytest.mark.parametrize("status", UNFINISHED)
def test_a_report_with_the_key_of_an_unfinished_incident_counts_a_repeat(
    rita: User, olga: User, status: Status
) -> None:
    first = services.create(new(), by(rita))
    services.change(first.id, by(olga), status=status, severity=Severity.INFO, assignee=olga.pk)
    before, events = Incident.objects.get(), Event.objects.count()
    again = services.create(new("Disk fuller", severity=Severity.ERROR), by(rita))
    after = Incident.objects.get()
    assert (again.created, again.id) == (False, first.id)
    assert again.incident == stored()
    assert again.reported == first.reported
    assert after.repeats == 1
    assert after.last_seen_at is not None
    assert before.updated_at < after.last_seen_at <= timezone.now()
    for field in ("description", "status", "severity", "assignee", "updated_at"):
        assert getattr(after, field) == getattr(before, field)
    assert Event.objects.count() == events


@pytest.mark.parametrize("status", FINISHED)
def test_a_report_with_the_key_of_a_finished_incident_is_a_new_one(
    rita: User, olga: User, status: Status
) -> None:
    first = services.create(new(), by(rita))
    services.change(first.id, by(olga), status=status)
    second = services.create(new(), by(rita))
    assert second.created
    assert second.id != first.id


def test_each_reporter_has_keys_of_its_own(rita: User, olga: User) -> None:
    made = [services.create(new(), by(user)) for user in (rita, olga, None)]
    assert len({one.id for one in made}) == 3
    assert not services.create(new(), by(None)).created


def test_the_same_idempotency_key_is_no_repeat(rita: User) -> None:
    report = new(idempotency_key="a", severity=Severity.INFO)
    first = services.create(report, by(rita))
    again = services.create(report, by(rita))
    assert (again.id, again.created, again.incident.repeats) == (first.id, False, 0)


@pytest.mark.parametrize("other", [{"dedup_key": "b"}, {"dedup_key": None}, {"severity": Severity.INFO}])
def test_an_idempotency_key_with_another_key_or_severity_is_refused(
    rita: User, other: dict[str, Any]
) -> None:
    services.create(new(idempotency_key="a"), by(rita))
    with pytest.raises(IdempotencyKeyReused):
        services.create(new(idempotency_key="a", **other), by(rita))


def test_a_severity_that_was_changed_meanwhile_is_no_other_content(rita: User, olga: User) -> None:
    report = new(idempotency_key="a", severity=Severity.INFO)
    first = services.create(report, by(rita))
    services.change(first.id, by(olga), severity=Severity.CRITICAL)
    again = services.create(report, by(rita))
    assert (again.reported, again.incident.severity) == (first.reported, "critical")


@pytest.mark.django_db(transaction=True)
def test_of_16_reports_with_one_key_at_once_one_is_stored(rita: User) -> None:
    results = together(16, lambda number: services.create(new(f"Fire {number}"), by(rita)))
    assert all(isinstance(one, Created) for one in results), results
    assert sorted(one.created for one in results) == [False] * 15 + [True]
    assert Incident.objects.get().repeats == 15
    assert Event.objects.count() == 1


@pytest.mark.parametrize("user", ["rita", None])
def test_the_database_itself_allows_one_unfinished_incident_for_a_key(rita: User, user: str | None) -> None:
    fields: dict[str, Any] = {"description": "x", "search_text": "x", "source": "monitoring"}
    owner = rita if user else None
    Incident.objects.create(**fields, created_by=owner, dedup_key="k", status="closed")
    Incident.objects.create(**fields, created_by=owner, dedup_key="k", status="unknown")
    with pytest.raises(IntegrityError):
        Incident.objects.create(**fields, created_by=owner, dedup_key="k", status="in_progress")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("a", "a"),
        (" a ", " a "),
        ("ключ 🔑", "ключ 🔑"),
        ("k" * 255, "k" * 255),
        ("k" * 256, sha256(b"k" * 256).hexdigest()),
        ("", None),
        (" \t", None),
        ("a\x00", None),
    ],
)
def test_a_key_of_any_length_is_stored_in_255_characters(text: str, key: str | None) -> None:
    assert normalized_dedup_key(text) == key


# ------------------------------------------------------------------ change


def kinds() -> list[str]:
    return list(Event.objects.order_by("id").values_list("kind", flat=True))


def test_each_thing_that_changes_is_an_event(olga: User, incident: Report) -> None:
    one = incident()
    row = services.change(
        one.pk,
        by(olga),
        status=Status.IN_PROGRESS,
        comment="mine",
        severity=Severity.CRITICAL,
        assignee=olga.pk,
    )
    assert row == stored()
    assert (row.severity, row.assignee) == ("critical", "olga")
    assert list(
        Event.objects.order_by("id").values_list(
            "kind", "status_from", "status_to", "comment", "severity", "assignee__username"
        )
    ) == [
        ("created", "", "open", "", None, None),
        ("status_changed", "open", "in_progress", "mine", None, None),
        ("severity", "in_progress", "in_progress", "", "critical", None),
        ("assigned", "in_progress", "in_progress", "", None, "olga"),
    ]
    assert set(Event.objects.exclude(kind="created").values_list("at", flat=True)) == {
        Incident.objects.get().updated_at
    }


def test_severity_and_assignee_are_cleared_by_none_and_kept_by_default(olga: User, incident: Report) -> None:
    one = incident(severity=Severity.ERROR)
    services.change(one.pk, by(olga), assignee=olga.pk)
    row = services.change(one.pk, by(olga), comment="x")
    assert (row.severity, row.assignee) == ("error", "olga")
    row = services.change(one.pk, by(olga), severity=None, assignee=None)
    assert (row.severity, row.assignee) == (None, None) == stored()[6:8]
    assert kinds() == ["created", "assigned", "commented", "severity", "assigned"]


def test_the_same_severity_and_assignee_again_leave_no_event(olga: User, incident: Report) -> None:
    one = incident(severity=Severity.ERROR)
    for _ in range(2):
        services.change(one.pk, by(olga), severity=Severity.ERROR, assignee=olga.pk)
    assert kinds() == ["created", "assigned"]


def test_taking_on_the_page_assigns(olga: User, incident: Report) -> None:
    row = services.change(incident().pk, Origin(olga.pk, Event.Channel.PAGE), status=Status.IN_PROGRESS)
    assert row.assignee == "olga"
    assert kinds() == ["created", "status_changed", "assigned"]


def test_taking_what_another_has_changes_no_assignee(olga: User, admin: User, incident: Report) -> None:
    one = incident()
    services.change(one.pk, by(olga), assignee=admin.pk)
    row = services.change(one.pk, Origin(olga.pk, Event.Channel.PAGE), status=Status.IN_PROGRESS)
    assert row.assignee == "admin"


@pytest.mark.parametrize("channel", set(Event.Channel) - {Event.Channel.PAGE})
def test_no_other_channel_assigns_by_itself(olga: User, incident: Report, channel: Event.Channel) -> None:
    row = services.change(incident().pk, Origin(olga.pk, channel), status=Status.IN_PROGRESS)
    assert row.assignee is None


@pytest.mark.parametrize("status", FINISHED)
def test_a_finished_incident_keeps_its_assignee(olga: User, incident: Report, status: Status) -> None:
    one = incident()
    services.change(one.pk, by(olga), assignee=olga.pk)
    assert services.change(one.pk, by(olga), status=status).assignee == "olga"


def test_the_same_call_again_changes_nothing_and_adds_no_comment(olga: User, incident: Report) -> None:
    one = incident()
    for _ in range(2):
        services.change(one.pk, by(olga), status=Status.CLOSED, comment="done", idempotency_key="a")
    assert kinds() == ["created", "status_changed"]
    services.change(one.pk, by(olga), status=Status.OPEN)
    row = services.change(one.pk, by(olga), status=Status.CLOSED, comment="done", idempotency_key="a")
    assert row == stored()
    assert row.status == "open"
    assert kinds() == ["created", "status_changed", "status_changed"]


def test_a_call_that_changed_nothing_changes_nothing_later_either(olga: User, incident: Report) -> None:
    one = incident()
    services.change(one.pk, by(olga), status=Status.OPEN, idempotency_key="a")
    services.change(one.pk, by(olga), status=Status.CLOSED)
    assert services.change(one.pk, by(olga), status=Status.OPEN, idempotency_key="a").status == "closed"


def test_an_idempotency_key_is_of_a_user_and_an_incident(olga: User, vera: User, incident: Report) -> None:
    first, second = incident(), incident()
    for user, one in [(olga, first), (vera, first), (None, first), (olga, second), (None, first)]:
        services.change(one.pk, by(user), comment="x", idempotency_key="a")
    assert Event.objects.filter(kind="commented").count() == ChangeKey.objects.count() == 4


def test_a_refused_call_may_be_made_again(olga: User, incident: Report) -> None:
    one = incident()
    with pytest.raises(services.StaleStatus):
        services.change(one.pk, by(olga), comment="x", expected_status=Status.CLOSED, idempotency_key="a")
    services.change(one.pk, by(olga), comment="x", idempotency_key="a")
    assert kinds() == ["created", "commented"]


@pytest.mark.django_db(transaction=True)
def test_of_the_same_call_at_once_one_changes(olga: User, incident: Report) -> None:
    one = incident()
    together(8, lambda _number: services.change(one.pk, by(olga), comment="x", idempotency_key="a"))
    assert kinds() == ["created", "commented"]


def test_a_reporter_changes_by_its_own_key_what_is_not_finished(rita: User, olga: User) -> None:
    first = services.create(new(), by(rita))
    assert services.change("db1/disk", by(rita), status=Status.RESOLVED).id == first.id
    with pytest.raises(IncidentNotFound):
        services.change("db1/disk", by(rita), status=Status.RESOLVED)
    second = services.create(new(), by(rita))
    assert services.change("db1/disk", by(rita), comment="x").id == second.id
    with pytest.raises(IncidentNotFound):
        services.change("db1/disk", by(olga), comment="x")


def test_the_same_call_by_key_is_found_when_it_has_finished_the_incident(rita: User) -> None:
    first = services.create(new(), by(rita))
    for _ in range(2):
        row = services.change("db1/disk", by(rita), status=Status.RESOLVED, idempotency_key="a")
        assert (row.id, row.status) == (first.id, "resolved")
    assert kinds() == ["created", "status_changed"]


@pytest.mark.parametrize("finished", FINISHED)
def test_a_finished_incident_does_not_open_beside_one_with_its_key(
    rita: User, olga: User, finished: Status
) -> None:
    first = services.create(new(), by(rita))
    services.change(first.id, by(olga), status=finished)
    second = services.create(new(), by(rita))
    with pytest.raises(KeyIsActive) as error:
        services.change(first.id, by(olga), status=Status.OPEN, comment="again", assignee=olga.pk)
    assert error.value.incident_id == second.id
    assert Incident.objects.get(pk=first.id).status == finished
    assert kinds() == ["created", "status_changed", "created"]
    services.change(first.id, by(olga), status=Status.CLOSED, comment="fine")
