"""What the services return, and the bounds of what they take."""

import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from incidents import services
from incidents.models import Event, Incident, Status
from incidents.services import HistoryFull
from incidents.statements import INCIDENT_COLUMNS
from incidents.tests.test_services import NOVEMBER, Report, by_post, new
from users.models import User


def test_a_change_returns_what_it_wrote(olga: User, incident: Report) -> None:
    one = incident()
    for fields in ({"status": Status.CLOSED}, {"comment": "why"}, {}, {"status": Status.CLOSED}):
        row = services.change(one.pk, by_post(olga), **fields)
        assert row == Incident.objects.values_list(*INCIDENT_COLUMNS).get()


def test_a_report_returns_what_it_wrote(olga: User) -> None:
    created = services.create(new(created_at=NOVEMBER), by_post(olga))
    assert created.incident == created.reported
    assert created.incident == Incident.objects.values_list(*INCIDENT_COLUMNS).get()


def test_nothing_is_read_after_the_commit(olga: User) -> None:
    """A failure there would make a client repeat what was done."""
    created = services.create(new(), by_post(olga))
    for run in (
        lambda: services.create(new(), by_post(olga)),
        lambda: services.change(created.id, by_post(olga), status=Status.CLOSED),
    ):
        with CaptureQueriesContext(connection) as queries:
            run()
        statements = [query["sql"].split()[0] for query in queries.captured_queries]
        assert statements[-1] in {"COMMIT", "RELEASE"}, statements


def test_an_incident_has_at_most_10_000_events(olga: User, incident: Report) -> None:
    one = incident()
    Event.objects.bulk_create(
        Event(incident=one, kind="commented", channel="rest", status_to="open", comment="x")
        for _n in range(9_998)
    )
    services.change(one.pk, by_post(olga), comment="the last one")
    for fields in ({"comment": "one more"}, {"status": Status.CLOSED}):
        with pytest.raises(HistoryFull):
            services.change(one.pk, by_post(olga), **fields)
    services.change(one.pk, by_post(olga), status=Status.OPEN)
    assert one.events.count() == 10_000


# "\u0f81" is no combining mark itself, but decomposes into two.
MARKS = ["\u0344" * 5000 + "\u0f81" * 4999, "\u0301\u0316" * 4999, "\u0344" * 9999]


@pytest.mark.parametrize("marks", MARKS, ids=range(3))
def test_folding_takes_a_time_linear_in_the_length(olga: User, marks: str) -> None:
    text = f"a{marks}"
    started = time.process_time()
    created = services.create(new(text), by_post(olga))
    assert time.process_time() - started < 0.2
    assert created.incident.description == Incident.objects.get().description == text


def test_texts_are_folded_before_the_write_transaction(olga: User, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = []

    def folded(text: str) -> str:
        inside.append(len(connection.savepoint_ids))
        return text

    monkeypatch.setattr(services, "folded", folded)
    before = len(connection.savepoint_ids)
    services.create(new(), by_post(olga))
    assert inside == [before]
