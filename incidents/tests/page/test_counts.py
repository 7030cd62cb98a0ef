from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents import services
from incidents.models import Event, Incident, Source, Status
from incidents.page import counts
from incidents.services import NewIncident, Origin

Report = Callable[..., Incident]
ORIGIN = Origin(None, Event.Door.COMMAND)


def recounted() -> Counter[str]:
    return Counter(Incident.objects.values_list("status", flat=True))


def test_no_incidents_count_nothing(db: None) -> None:
    assert counts.by_status() == Counter()


@pytest.mark.django_db
@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from(Status))))
def test_counting_on_from_the_events_is_counting_anew(changes: list[tuple[int, Status]]) -> None:
    ids: list[int] = []
    for place, status in changes:
        if place >= len(ids):
            ids.append(services.create(NewIncident("Самокат", Source.OPERATOR), ORIGIN).id)
        else:
            services.change(ids[place], ORIGIN, status=status, comment="и слово")
        assert counts.by_status() == recounted()


def test_it_counts_anew_when_a_minute_has_passed(incident: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    incident()
    counts.by_status()
    Event.objects.all().delete()
    Incident.objects.all().delete()
    assert counts.by_status() == Counter()  # fewer events than were counted
    incident()
    counts.by_status()
    Incident.objects.update(status=Status.FAKE)
    assert counts.by_status()["open"] == 1
    monkeypatch.setattr(counts, "RECOUNT_SECONDS", 0)
    assert counts.by_status() == Counter(fake=1)
