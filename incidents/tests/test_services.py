import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection
from django.utils import timezone

from incidents import services
from incidents.models import Event, Incident, Source, Status
from incidents.services import (
    Created,
    IdempotencyKeyReused,
    IncidentNotFound,
    NewIncident,
    Origin,
    StaleStatus,
)
from testing.clients import together
from users.models import User

Report = Callable[..., Incident]
NOVEMBER = datetime(2025, 11, 11, 23, 8, 12, 266_123, UTC)
HUGE_IDS = [0, -1, 2**31, 2**63 - 1, 2**63, -(2**63) - 1, 10**400]


def by_post(user: User | None) -> Origin:
    return Origin(user.pk if user else None, Event.Channel.POST)


def new(text: str = "Fire", **more: Any) -> NewIncident:
    return NewIncident(text, Source.MONITORING, **more)


def nothing_stored() -> bool:
    return not Incident.objects.exists() and not Event.objects.exists()


# ------------------------------------------------------------------ create


def test_a_new_incident_is_open_and_has_its_first_event(olga: User) -> None:
    before = timezone.now()
    created = services.create(new(" Fire!\n"), by_post(olga))
    incident = Incident.objects.get()
    assert (created.id, created.created) == (incident.pk, True)
    assert (incident.description, incident.status, incident.source) == (" Fire!\n", "open", "monitoring")
    assert (incident.created_by, incident.idempotency_key) == (olga, None)
    assert before <= incident.created_at == incident.updated_at <= timezone.now()
    event = Event.objects.get()
    assert (event.incident, event.kind, event.by, event.channel) == (incident, "created", olga, "post")
    assert (event.status_from, event.status_to, event.comment) == ("", "open", "")
    assert event.at == incident.created_at


def test_the_time_of_a_report_is_the_reporters_and_that_of_its_event_the_servers(olga: User) -> None:
    before = timezone.now()
    services.create(new(created_at=NOVEMBER), by_post(olga))
    incident = Incident.objects.get()
    assert incident.created_at == NOVEMBER
    assert incident.updated_at >= before
    assert Event.objects.get().at == incident.updated_at


def test_a_time_on_the_second_is_kept(olga: User) -> None:
    services.create(new(created_at=NOVEMBER.replace(microsecond=0)), by_post(olga))
    assert Incident.objects.get().created_at == NOVEMBER.replace(microsecond=0)


def test_an_anonymous_origin_may_report(db: None) -> None:
    created = services.create(new(), by_post(None))
    assert Incident.objects.get(pk=created.id).created_by is None
    assert Event.objects.get().by is None


def fail_every_event() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "CREATE TRIGGER no_events BEFORE INSERT ON incidents_event "
                "BEGIN SELECT RAISE(ABORT, 'no events today'); END"
            )
            return
        cursor.execute(
            "CREATE FUNCTION no_events() RETURNS trigger LANGUAGE plpgsql "
            "AS $$ BEGIN RAISE EXCEPTION 'no events today'; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER no_events BEFORE INSERT ON incidents_event "
            "FOR EACH ROW EXECUTE FUNCTION no_events()"
        )


def test_without_its_event_no_incident_is_stored(olga: User) -> None:
    fail_every_event()
    with pytest.raises(DatabaseError, match="no events today"):
        services.create(new(), by_post(olga))
    assert nothing_stored()


def test_without_its_event_no_change_is_stored(olga: User, incident: Report) -> None:
    one = incident()
    fail_every_event()
    with pytest.raises(DatabaseError, match="no events today"):
        services.change(one.pk, by_post(olga), status=Status.CLOSED, comment="why")
    again = Incident.objects.get()
    assert (again.status, again.updated_at) == (one.status, one.updated_at)
    assert Event.objects.count() == 1


@pytest.mark.parametrize("when", [None, NOVEMBER])
def test_the_same_key_again_finds_the_first_incident(olga: User, when: datetime | None) -> None:
    report = new(idempotency_key="key", created_at=when)
    first = services.create(report, by_post(olga))
    again = services.create(report, by_post(olga))
    assert (first.created, again.created) == (True, False)
    assert first.id == again.id
    assert (Incident.objects.count(), Event.objects.count()) == (1, 1)


def test_the_same_key_finds_it_also_when_it_has_changed_meanwhile(olga: User) -> None:
    report = new(idempotency_key="key")
    first = services.create(report, by_post(olga))
    services.change(first.id, by_post(olga), status=Status.CLOSED)
    again = services.create(report, by_post(olga))
    assert (again.id, again.created) == (first.id, False)
    assert (again.incident.status, again.reported) == ("closed", first.reported)


@pytest.mark.parametrize(
    "other",
    [
        NewIncident("Flood", Source.MONITORING, NOVEMBER, "key"),
        NewIncident("Fire", Source.PARTNER, NOVEMBER, "key"),
        NewIncident("Fire", Source.MONITORING, NOVEMBER + timedelta(microseconds=1), "key"),
        NewIncident("Fire", Source.MONITORING, None, "key"),
        NewIncident("Fire ", Source.MONITORING, NOVEMBER, "key"),
    ],
)
def test_the_same_key_with_other_content_is_refused(olga: User, other: NewIncident) -> None:
    services.create(new(idempotency_key="key", created_at=NOVEMBER), by_post(olga))
    with pytest.raises(IdempotencyKeyReused):
        services.create(other, by_post(olga))
    assert (Incident.objects.count(), Event.objects.count()) == (1, 1)


def test_another_users_same_key_is_another_incident(olga: User, rita: User) -> None:
    report = new(idempotency_key="key")
    ids = {services.create(report, by_post(user)).id for user in (olga, rita, None, olga, None)}
    assert len(ids) == 3


def test_incidents_without_a_key_are_never_the_same(olga: User) -> None:
    assert services.create(new(), by_post(olga)) != services.create(new(), by_post(olga))


@pytest.mark.django_db(transaction=True)
def test_an_unknown_user_stores_nothing() -> None:
    with pytest.raises(IntegrityError):
        services.create(new(), Origin(10**9, Event.Channel.POST))
    assert nothing_stored()


@pytest.mark.django_db(transaction=True)
def test_of_many_reports_with_one_key_at_once_one_is_stored(olga: User) -> None:
    report = new(idempotency_key="key")
    results = together(8, lambda _number: services.create(report, by_post(olga)))
    incident = Incident.objects.get()
    assert sorted((result.created, result.id) for result in results) == (
        [(False, incident.pk)] * 7 + [(True, incident.pk)]
    )
    assert Event.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_different_reports_with_one_key_at_once_one_is_stored(olga: User) -> None:
    def report(number: int) -> Created:
        return services.create(new(f"Fire {number}", idempotency_key="key"), by_post(olga))

    results = together(8, report)
    assert len([result for result in results if isinstance(result, Created)]) == 1
    assert len([result for result in results if isinstance(result, IdempotencyKeyReused)]) == 7
    assert (Incident.objects.count(), Event.objects.count()) == (1, 1)


# ------------------------------------------------------------------ change


def test_a_change_sets_the_status_and_leaves_an_event(olga: User, vera: User, incident: Report) -> None:
    one = incident(created_at=NOVEMBER)
    before = timezone.now()
    services.change(one.pk, Origin(vera.pk, Event.Channel.PAGE), status=Status.CLOSED, comment=" why\n")
    again = Incident.objects.get()
    assert (again.status, again.created_at) == ("closed", NOVEMBER)
    assert before <= again.updated_at <= timezone.now()
    event = Event.objects.latest("id")
    assert (event.kind, event.by, event.channel) == ("status_changed", vera, "page")
    assert (event.status_from, event.status_to, event.comment) == ("open", "closed", " why\n")
    assert event.at == again.updated_at


def test_a_change_leaves_other_incidents_alone(olga: User, incident: Report) -> None:
    one, other = incident(), incident()
    services.change(one.pk, by_post(olga), status=Status.CLOSED)
    other_again = Incident.objects.get(pk=other.pk)
    assert (other_again.status, other_again.updated_at) == ("open", other.updated_at)


@pytest.mark.parametrize("before", Status)
@pytest.mark.parametrize("after", Status)
def test_any_status_may_follow_any_other(incident: Report, olga: User, before: Status, after: Status) -> None:
    one = incident(status=before)
    services.change(one.pk, by_post(olga), status=after)
    assert Incident.objects.get().status == after
    changes = list(one.events.filter(kind="status_changed").values_list("status_from", "status_to"))
    walked = [Status.OPEN, before, after]
    expected = [(a.value, b.value) for a, b in itertools.pairwise(walked) if a != b]
    assert changes == expected


def test_a_comment_alone_is_an_event_that_changes_nothing_else(olga: User, incident: Report) -> None:
    one = incident()
    services.change(one.pk, by_post(olga), comment="Battery replaced")
    event = Event.objects.latest("id")
    assert (event.kind, event.comment) == ("commented", "Battery replaced")
    assert (event.status_from, event.status_to) == ("open", "open")
    again = Incident.objects.get()
    assert again.status == "open"
    assert again.updated_at == event.at


def test_the_same_status_with_a_comment_is_a_comment(olga: User, incident: Report) -> None:
    one = incident()
    services.change(one.pk, by_post(olga), status=Status.OPEN, comment="still")
    assert Event.objects.latest("id").kind == "commented"


@pytest.mark.parametrize(
    "nothing",
    [
        {},
        {"status": Status.OPEN},
        {"status": Status.OPEN, "comment": ""},
        {"comment": " \n\t"},
        {"status": Status.CLOSED, "keep_if_in": frozenset({Status.OPEN})},
        {"status": Status.OPEN, "expected_status": Status.OPEN},
    ],
)
def test_what_changes_nothing_leaves_no_event(olga: User, incident: Report, nothing: dict[str, Any]) -> None:
    one = incident()
    services.change(one.pk, by_post(olga), **nothing)
    again = Incident.objects.get()
    assert (again.status, again.updated_at) == ("open", one.updated_at)
    assert Event.objects.count() == 1


def test_a_status_that_is_excused_stays_and_the_comment_is_kept(olga: User, incident: Report) -> None:
    one = incident(status=Status.CLOSED)
    done = frozenset({Status.RESOLVED, Status.CLOSED})
    services.change(one.pk, by_post(olga), status=Status.RESOLVED, keep_if_in=done, comment="sure")
    assert Incident.objects.get().status == "closed"
    event = Event.objects.latest("id")
    assert (event.kind, event.status_from, event.status_to) == ("commented", "closed", "closed")


def test_it_refuses_a_decision_on_a_status_that_is_no_longer(olga: User, incident: Report) -> None:
    one = incident(status=Status.CLOSED)
    with pytest.raises(StaleStatus):
        services.change(
            one.pk, by_post(olga), status=Status.RESOLVED, expected_status=Status.OPEN, comment="x"
        )
    assert Incident.objects.get().status == "closed"
    assert Event.objects.count() == 2


def test_a_decision_on_the_present_status_is_carried_out(olga: User, incident: Report) -> None:
    one = incident()
    services.change(one.pk, by_post(olga), status=Status.CLOSED, expected_status=Status.OPEN)
    assert Incident.objects.get().status == "closed"


@pytest.mark.parametrize("number", HUGE_IDS)
def test_it_finds_no_incident_of_an_id_that_is_none(olga: User, incident: Report, number: int) -> None:
    incident()
    with pytest.raises(IncidentNotFound):
        services.change(number, by_post(olga), status=Status.CLOSED)
    assert Event.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_changes_expecting_one_status_at_once_one_wins(olga: User, incident: Report) -> None:
    one = incident()

    def take(_number: int) -> str:
        try:
            services.change(
                one.pk,
                by_post(olga),
                status=Status.IN_PROGRESS,
                expected_status=Status.OPEN,
                comment="mine",
            )
        except StaleStatus:
            return "late"
        return "won"

    assert sorted(together(8, take)) == ["late"] * 7 + ["won"]
    assert Event.objects.filter(comment="mine").count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_history_is_one_unbroken_walk_under_concurrent_changes(olga: User, incident: Report) -> None:
    one = incident()
    statuses = list(Status)

    def wander(number: int) -> None:
        for step in range(4):
            status = statuses[(number + step) % len(statuses)]
            services.change(one.pk, by_post(olga), status=status, comment="moved")

    assert together(4, wander) == [None] * 4
    walk = list(one.events.values_list("status_from", "status_to"))
    assert len(walk) == 1 + 16
    for (_from, reached), (left, _to) in itertools.pairwise(walk):
        assert left == reached
    assert Incident.objects.get().status == walk[-1][1]
