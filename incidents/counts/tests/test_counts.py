"""The counts that the database keeps are always those of a fresh count, through whichever writer."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import Sum
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

import incidents
from incidents import bulk, services
from incidents.counts import totals, triggers
from incidents.models import Event, Incident, IncidentCount, Source, Status
from incidents.services import NewIncident, Origin
from testing.clients import Rest
from users.models import User

Report = Callable[..., Incident]
ORIGIN = Origin(None, Event.Channel.COMMAND)

pytestmark = pytest.mark.django_db


def kept() -> dict[tuple[str, str], int]:
    """Return the kept numbers, each of which is also what a list of its status and source is said to have."""
    sums = IncidentCount.objects.values_list("status", "source").annotate(Sum("number"))
    found = {(status, source): number for status, source, number in sums if number}
    for (status, source), number in found.items():
        assert totals.number_of({status}, {source}) == number
    assert totals.number_of() == sum(found.values()) == totals.by_status().total()
    for status, number in totals.by_status().items():
        assert totals.number_of({status}) == number
    return found


def counted() -> dict[tuple[str, str], int]:
    return Counter(Incident.objects.values_list("status", "source"))


def test_no_incidents_count_nothing() -> None:
    assert totals.by_status() == Counter()
    assert totals.number_of() == 0


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from(Status), st.sampled_from(Source))))
def test_they_follow_the_services(changes: list[tuple[int, Status, Source]]) -> None:
    ids: list[int] = []
    for place, status, source in changes:
        if place >= len(ids):
            ids.append(services.create(NewIncident("Самокат", source), ORIGIN).id)
        else:
            services.change(ids[place], ORIGIN, status=status, comment="и слово")
        assert kept() == counted()
    assert totals.by_status() == Counter(Incident.objects.values_list("status", flat=True))


def test_they_follow_what_goes_past_the_services(incident: Report) -> None:
    made = [incident(source=source) for source in Source for _ in range(3)]
    Incident.objects.filter(id__in=[one.pk for one in made[::2]]).update(status=Status.FAKE)
    Incident.objects.filter(source=Source.PARTNER).update(source=Source.SYSTEM)
    assert kept() == counted()
    with transaction.atomic():
        Incident.objects.update(status=Status.CLOSED)
        transaction.set_rollback(True)
    assert kept() == counted()
    Event.objects.all().delete()
    Incident.objects.filter(status=Status.FAKE).delete()
    assert kept() == counted()
    Incident.objects.all()._raw_delete("default")
    assert kept() == counted() == {}


def test_they_follow_a_prune(incident: Report) -> None:
    ids = [incident(status=status).pk for status in Status for _ in range(2)]
    assert bulk.delete_batch(ids, unchanged_since=timezone.now() + timedelta(days=1)) == 10
    assert kept() == counted()


def test_recount_puts_wrong_counts_right(incident: Report) -> None:
    incident(status=Status.CLOSED)
    incident()
    IncidentCount.objects.create(status=Status.OPEN, source=Source.OPERATOR, number=7)
    assert kept() != counted()
    call_command("recount")
    assert kept() == counted()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one row for each count")
def test_postgresql_puts_its_rows_together(incident: Report) -> None:
    writes = 6000
    one = incident()
    for number in range(writes):
        Incident.objects.filter(pk=one.pk).update(status=[Status.FAKE, Status.OPEN][number % 2])
    assert kept() == counted()
    # Two rows a write, put together after 1,000 on average: that it never happens has a chance of 1 in 400.
    assert IncidentCount.objects.count() < 2 * writes


def test_the_migration_counts_what_was_there_before(incident: Report) -> None:
    incident(status=Status.CLOSED)
    incident()
    IncidentCount.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(triggers.COUNT_ALL)
    assert kept() == counted()


def test_the_system_check_reports_missing_triggers_and_recount_creates_them(incident: Report) -> None:
    incident()
    assert run_checks(tags=["database"], databases=["default"]) == []
    on_table = "" if connection.vendor == "sqlite" else " ON incidents_incident"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER incident_changed{on_table}")
    Incident.objects.update(status=Status.CLOSED)
    assert kept() != counted()
    [error] = run_checks(tags=["database"], databases=["default"])
    assert error.id == "incidents.E001"
    assert "incident_changed" in error.msg
    call_command("recount")
    assert run_checks(tags=["database"], databases=["default"]) == []
    assert kept() == counted()
    Incident.objects.update(status=Status.FAKE)
    assert kept() == counted()


def test_the_system_check_passes_before_the_first_migration() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE incidents_incidentcount RENAME TO elsewhere")
    assert run_checks(tags=["database"], databases=["default"]) == []


def test_migrations_import_no_live_code() -> None:
    for path in Path(incidents.__file__ or "").parent.glob("migrations/0*.py"):
        assert "from incidents" not in path.read_text(encoding="utf-8"), path


@pytest.mark.parametrize("path", ["", "?status=open", "?source=operator&status=open&ordering=updated_at"])
def test_a_page_of_rest_does_not_count(
    path: str, rest: Rest, olga: User, incident: Report, django_assert_max_num_queries: Any
) -> None:
    incident()
    with django_assert_max_num_queries(9) as queries:
        assert rest("GET", f"/api/incidents/{path}", by=olga).data["count"] == 1
    assert not any("COUNT(" in query["sql"].upper() for query in queries.captured_queries)
