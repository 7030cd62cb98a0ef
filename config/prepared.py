"""Statements that the ORM compiles once and that then run with new values.

Compiling costs Django several times what SQLite needs to run a short statement, so the few hot ones are
compiled on their first use and kept. The SQL stays the ORM's own: the models are its only source.

    status_of = select(lambda: Incident.objects.filter(id=Given("id", Incident)).values_list("status"))
    status_of.rows(id=7)  # [("open",)]
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Expression, Field, Model, QuerySet, sql

Row = tuple[Any, ...]
Compiled = tuple[str, Sequence[Any]]


class Given(Expression):
    """The place of the value that is given by `name` when the statement runs.

    With a model it is stored and compared as that model's field `field` (by default the one of that
    name) does it, without one it is passed on as it is.
    """

    def __init__(self, name: str, model: type[Model] | None = None, field: str = "") -> None:
        super().__init__(column(model, field or name) if model else None)
        self.name = name
        self.raw = model is None

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        return "%s", (self,)

    def bound(self, value: Any) -> Any:
        return value if self.raw else self.output_field.get_db_prep_save(value, connection)


class Statement:
    """A statement that `compiler` makes once, at the first use, when the database is known."""

    def __init__(self, compiler: Callable[[], Compiled]) -> None:
        self.compiler = compiler

    @cached_property
    def compiled(self) -> Compiled:
        return self.compiler()

    def rows(self, **values: Any) -> list[Row]:
        """Run with `values` and return the rows that the statement yields."""
        text, params = self.compiled
        bound = [p.bound(values[p.name]) if isinstance(p, Given) else p for p in params]
        with connection.cursor() as cursor:
            cursor.execute(text, bound)
            return cursor.fetchall() if cursor.description else []


def select(queryset: Callable[[], QuerySet[Any, Any]], *, limited: bool = False) -> Statement:
    """Prepare a query; a `limited` one takes the value `limit`, the most rows it may yield."""

    def compiled() -> Compiled:
        text, params = queryset().query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
        # The ORM would write the number into the SQL, a statement for each.
        return (f"{text} LIMIT %s", (*params, Given("limit"))) if limited else (text, params)

    return Statement(compiled)


def insert(model: type[Model], given: Sequence[str], *, returning: bool = False) -> Statement:
    """Prepare the insertion of one row with the fields `given`, `returning` its id."""

    def compiled() -> Compiled:
        fields = [column(model, name) for name in given]
        row = model(**{field.attname: Given(field.name, model) for field in fields})
        query = sql.InsertQuery(model)
        query.insert_values(fields, [row])
        compiler = query.get_compiler(DEFAULT_DB_ALIAS)
        compiler.returning_fields = [model._meta.pk] if returning else []
        [(text, params)] = compiler.as_sql()
        return text, params

    return Statement(compiled)


def update(queryset: Callable[[], QuerySet[Any, Any]], given: Sequence[str]) -> Statement:
    """Prepare an update of the fields `given` in the rows of a query."""

    def compiled() -> Compiled:
        rows = queryset()
        query: Any = rows.query.chain(sql.UpdateQuery)
        query.add_update_values({name: Given(name, rows.model) for name in given})
        text, params = query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
        return text, params

    return Statement(compiled)


def column(model: type[Model], name: str) -> Field[Any, Any]:
    field = model._meta.get_field(name)
    assert isinstance(field, Field)  # noqa: S101  # a relation from elsewhere has no column here
    return field
