import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from unicodedata import combining, normalize

import pytest
from django.db import DatabaseError, IntegrityError, connection, models, transaction
from django.db.models import ProtectedError
from hypothesis import given
from hypothesis import strategies as st

from incidents.models import ACTIVE, Event, Incident, Source, Status
from incidents.search_text import MADE_OF_MARKS, folded
from users.models import User

Report = Callable[..., Incident]
texts = st.text(max_size=30)


def test_the_characters_made_of_combining_marks_are_known() -> None:
    every = map(chr, range(sys.maxunicode + 1))
    found = [one for one in every if not combining(one) and combining(normalize("NFD", one)[0])]
    assert set(found) == MADE_OF_MARKS


@given(texts)
def test_folding_twice_is_folding_once(text: str) -> None:
    assert folded(folded(text)) == folded(text)


@given(texts, texts)
def test_folding_goes_letter_by_letter_so_a_part_stays_a_part(first: str, second: str) -> None:
    assert folded(first) in folded(first + second)
    assert folded(first + second) == folded(first) + folded(second)


@pytest.mark.parametrize(
    ("term", "description", "found"),
    [
        ("самокат", "Самокат не в сети", True),
        ("САМОКАТ", "самокат не в сети", True),
        ("не в сети", "Самокат НЕ В СЕТИ", True),
        ("окат", "Самокат не в сети", True),
        ("ежик", "Ёжик в тумане", True),
        ("ЁЖИК", "ежик в тумане", True),
        ("ёлка", "Елка горит", True),
        ("strasse", "Straße gesperrt", True),
        ("100%", "Заряд 100% и не больше", True),
        ("100%", "Заряд 1000 и не больше", False),
        ("a_b", "axb", False),
        ("a_b", "A_B", True),
        ("\\", "C:\\temp", True),
        ("'", "it's on fire", True),
        ("самокат", "Велосипед не в сети", False),
    ],
)
def test_a_search_finds_parts_of_texts_ignoring_case_and_the_dots_of_e(
    incident: Report, term: str, description: str, found: bool
) -> None:
    one = incident(description)
    assert list(Incident.objects.mentioning(term)) == ([one] if found else [])


def test_a_search_takes_a_time_linear_in_the_text(incident: Report) -> None:
    for _number in range(50):
        incident("a" * 10_000)
    started = time.process_time()
    assert not Incident.objects.mentioning("a" * 199 + "b").exists()
    assert time.process_time() - started < 0.15


def test_active_are_open_and_in_progress(incident: Report) -> None:
    made = [incident(status=status) for status in Status]
    assert set(Incident.objects.filter(status__in=ACTIVE)) == {one for one in made if one.status in ACTIVE}
    assert {str(status) for status in ACTIVE} == {"open", "in_progress"}


def test_newest_first_puts_the_larger_id_first_at_equal_timestamps(incident: Report) -> None:
    timestamp = datetime(2025, 11, 11, tzinfo=UTC)
    made = [incident(created_at=timestamp + timedelta(seconds=second)) for second in (1, 0, 1, 2)]
    order = [made[3], made[2], made[0], made[1]]
    assert list(Incident.objects.newest_first()) == order
    for number, one in enumerate(order):
        behind = Incident.objects.newest_first().older_than(one.created_at, one.pk)
        assert list(behind) == order[number + 1 :]


def refused(write: Callable[[], object]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        write()


FIELDS: list[tuple[type[models.Model], str]] = [
    (Incident, "status"),
    (Incident, "source"),
    (Event, "status_to"),
    (Event, "status_from"),
    (Event, "kind"),
    (Event, "channel"),
    (User, "role"),
]


@pytest.mark.parametrize(("model", "field"), FIELDS)
@pytest.mark.parametrize("value", ["new", "Open", "open ", "x"])
def test_the_database_refuses_an_unknown_value_however_it_is_written(
    incident: Report, model: type[models.Model], field: str, value: str
) -> None:
    incident()
    table = model._meta.db_table
    column: Any = model._meta.get_field(field)
    refused(lambda: model._default_manager.update(**{field: value}))
    with connection.cursor() as cursor:
        refused(lambda: cursor.execute(f"UPDATE {table} SET {column.column} = %s", [value]))
    row = model._default_manager.get()
    row.pk = None
    setattr(row, field, value)
    refused(row.save)


@pytest.mark.parametrize(("model", "field"), FIELDS)
def test_the_database_accepts_every_known_value(
    incident: Report, model: type[models.Model], field: str
) -> None:
    incident(status=Status.CLOSED)
    column: Any = model._meta.get_field(field)
    rows = model._default_manager.filter(**({"kind": "status_changed"} if model is Event else {}))
    for value, _label in column.choices:
        if field != "kind":
            assert rows.update(**{field: value}) == 1


def test_the_database_refuses_an_event_that_changes_a_status_and_does_not_say_so(incident: Report) -> None:
    incident()
    silent = Event.objects.filter(kind="created")
    refused(lambda: silent.update(kind="commented", status_from="open", status_to="closed"))
    refused(lambda: silent.update(status_from="open", status_to="closed"))


def test_the_database_refuses_the_same_key_twice_for_one_user_or_for_none(
    incident: Report, olga: User, vera: User
) -> None:
    first, second = incident(), incident()
    Incident.objects.filter(pk=first.pk).update(idempotency_key="key")
    refused(lambda: Incident.objects.filter(pk=second.pk).update(idempotency_key="key"))
    Incident.objects.filter(pk=second.pk).update(idempotency_key="key", created_by=vera)
    Incident.objects.filter(pk=first.pk).update(created_by=None)
    refused(lambda: Incident.objects.filter(pk=second.pk).update(created_by=None))


def test_an_incident_with_history_cannot_be_deleted(incident: Report) -> None:
    one = incident()
    with pytest.raises(ProtectedError):
        one.delete()
    with pytest.raises(ProtectedError):
        Incident.objects.all().delete()
    assert Incident.objects.get() == one


@pytest.mark.django_db(transaction=True)
def test_the_database_keeps_the_incident_of_a_history_however_it_is_deleted(incident: Report) -> None:
    incident()
    with connection.cursor() as cursor, pytest.raises(DatabaseError):
        cursor.execute(f"DELETE FROM {Incident._meta.db_table}")
    assert Incident.objects.count() == 1


def test_who_reported_cannot_be_deleted(incident: Report, olga: User) -> None:
    incident()
    with pytest.raises(ProtectedError):
        olga.delete()


def test_who_reported_nothing_can_be_deleted(vera: User) -> None:
    vera.delete()
    assert not User.objects.exists()


def test_no_value_is_longer_than_its_column() -> None:
    for model, field in FIELDS:
        column = model._meta.get_field(field)
        assert isinstance(column, models.CharField)
        assert column.max_length is not None
        choices: Any = column.choices
        assert max(len(value) for value, _label in choices) <= column.max_length


def test_an_incident_is_shown_by_its_id_and_the_beginning_of_its_text(incident: Report) -> None:
    one = incident("Fire " * 100)
    assert str(one) == f"#{one.pk} {('Fire ' * 12)}"


def test_an_event_is_shown_in_words(incident: Report) -> None:
    event = incident(status=Status.CLOSED).events.latest("id")
    assert str(event) == f"{event.get_kind_display()} → {Status.CLOSED.label}"


def test_labels_are_distinct() -> None:
    assert len({source.label for source in Source}) == len(Source)
    assert len({status.label for status in Status}) == len(Status)
