from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count, Max, Min, Sum
from django.utils import timezone

from incidents.demo.story import DAYS, Story
from incidents.management.commands.demo import USERS
from incidents.models import ACTIVE, Event, Incident, Source, Status
from incidents.search_text import folded
from users.models import User


@pytest.fixture
def story(db: None) -> Story:
    users = {name: User.objects.create_user(name, role=role) for name, role in USERS.items()}
    return Story(users, timezone.localtime())


def test_a_month_is_plausible(story: Story) -> None:
    story.import_month()
    assert 1500 < Incident.objects.count() < 3500
    assert set(Incident.objects.values_list("source", flat=True)) == set(Source.values)
    assert set(Incident.objects.values_list("status", flat=True)) == set(Status.values)
    times = Incident.objects.aggregate(first=Min("created_at"), last=Max("created_at"))
    assert times["last"] <= timezone.now()
    assert timedelta(days=DAYS - 2) < times["last"] - times["first"] <= timedelta(days=DAYS)
    oldest = Incident.objects.filter(status=Status.OPEN, source=Source.MONITORING)
    assert oldest.count() >= 3
    assert not [
        one for one in Incident.objects.all() if not one.search_text.startswith(folded(one.description))
    ]


def test_rows_agree_with_their_events(story: Story) -> None:
    story.import_month()
    last: dict[int, Event] = {}
    for event in Event.objects.order_by("id").select_related("incident"):
        before = last.get(event.incident_id)
        if before is None:
            assert event.kind == Event.Kind.CREATED
            assert event.at == event.incident.created_at
            assert event.by == event.incident.created_by
        else:
            assert event.status_from == before.status_to
            assert event.at >= before.at
        last[event.incident_id] = event
    assert len(last) == Incident.objects.count()
    for event in last.values():
        assert event.incident.status == event.status_to
        assert event.incident.updated_at == event.at


def test_events_are_added(story: Story) -> None:
    for _n in range(30):
        story.add_event()
    kinds = dict(Event.objects.order_by().values_list("kind").annotate(Count("id")))
    assert kinds["created"] == Incident.objects.count()
    repeats = Incident.objects.aggregate(Sum("repeats"))["repeats__sum"]
    assert repeats
    assert kinds["created"] + kinds["status_changed"] + repeats == 30
    assert Incident.objects.filter(status__in=ACTIVE).exists()


def test_a_database_in_use_is_not_changed(story: Story) -> None:
    with pytest.raises(CommandError, match="in use"):
        call_command("demo")
    assert not Incident.objects.exists()
