from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet

from common.db.compiled import Given, insert, select, update
from testing.clients import together


class Counted:
    """A query that counts how often it is built."""

    def __init__(self) -> None:
        self.built = 0

    def __call__(self) -> QuerySet[ContentType, Any]:
        self.built += 1
        return ContentType.objects.filter(app_label=Given("app_label", ContentType)).values_list("model")


def test_a_query_is_built_once_however_often_it_runs(db: None) -> None:
    query = Counted()
    statement = select(query)
    assert query.built == 0
    for label in ["incidents", "users", "incidents"]:
        expected = ContentType.objects.filter(app_label=label).values_list("model")
        assert sorted(statement.rows(app_label=label)) == sorted(expected) != []
    assert query.built == 1


def test_it_runs_in_many_threads_at_once(transactional_db: None) -> None:
    ContentType.objects.create(app_label="a", model="b")
    statement = select(Counted())
    assert together(4, lambda _number: statement.rows(app_label="a")) == [[("b",)]] * 4


def test_the_limit_is_a_value_not_a_part_of_the_statement(db: None) -> None:
    query = Counted()
    statement = select(query, limited=True)
    assert len(statement.rows(app_label="auth", limit=1)) == 1
    assert len(statement.rows(app_label="auth", limit=2)) == 2
    assert query.built == 1


def test_an_insertion_returns_the_id_if_it_is_asked_to(db: None) -> None:
    returning = insert(ContentType, ["app_label", "model"], returning=True)
    silent = insert(ContentType, ["app_label", "model"])
    [(pk,)] = returning.rows(app_label="a", model="b")
    assert ContentType.objects.get(pk=pk).natural_key() == ("a", "b")
    assert silent.rows(app_label="a", model="c") == []
    assert ContentType.objects.filter(app_label="a").count() == 2


def test_an_update_changes_the_rows_of_its_query_alone(db: None) -> None:
    rename = update(
        lambda: ContentType.objects.filter(app_label=Given("label", ContentType, "app_label")), ["model"]
    )
    ContentType.objects.create(app_label="a", model="b")
    before = ContentType.objects.exclude(app_label="a").count()
    rename.rows(label="a", model="z")
    assert ContentType.objects.get(app_label="a").model == "z"
    assert ContentType.objects.exclude(model="z").count() == before


def test_values_are_bound_never_written_into_the_statement(db: None) -> None:
    statement = select(Counted())
    assert statement.rows(app_label="' OR '1'='1") == []
    text, _params = statement.compiled
    assert "OR" not in text.upper().replace("ORDER", "")
