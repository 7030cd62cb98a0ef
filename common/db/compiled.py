"""Statements that the ORM compiles once and that then run with new values.

Compiling costs Django several times what SQLite needs to run a short statement, so the few hot ones are
compiled on their first use and kept. The SQL stays the ORM's own: the models are its only source.

    status_of = select(lambda: Incident.objects.filter(id=Given("id", Incident)).values_list("status"))
    status_of.rows(id=7)  # [("open",)]
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import (
    AutoField,
    CharField,
    Expression,
    Field,
    ForeignKey,
    Model,
    QuerySet,
    TextField,
    sql,
)

Row = tuple[Any, ...]
Compiled = tuple[str, Sequence[Any]]


# Fields that keep a text or a whole number as it is, on every database.
AS_THEY_ARE = (AutoField, CharField, ForeignKey, TextField)


class Given(Expression):
    """The place of the value that is given by `name` when the statement runs.

    With a model it is stored and compared as that model's field `field` (by default the one of that
    name) does it, without one it is passed on as it is.
    """

    def __init__(self, name: str, model: type[Model] | None = None, field: str = "") -> None:
        stored_as = column(model, field or name) if model else None
        super().__init__(stored_as)
        self.name = name
        self.raw = stored_as is None or isinstance(stored_as, AS_THEY_ARE)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        return "%s", (self,)

    def bound(self, value: Any, database: Any = connection) -> Any:
        return value if self.raw else self.output_field.get_db_prep_value(value, database, prepared=True)


class Statement:
    """A statement that `compiler` makes once, at the first use, when the database is known."""

    def __init__(self, compiler: Callable[[], Compiled]) -> None:
        self.compiler = compiler

    @cached_property
    def compiled(self) -> Compiled:
        return self.compiler()

    @cached_property
    def text_for_driver(self) -> str:
        """The statement with the driver's own placeholders, into which Django turns its own at each use."""
        with connection.cursor() as cursor:
            return str(getattr(cursor, "convert_query", str)(self.compiled[0]))

    @cached_property
    def places(self) -> list[tuple[str, Callable[..., Any] | None, Any]]:
        """For each place the name of its value and how that is stored, or what always stands there."""
        return [
            (p.name, None if p.raw else p.bound, None) if isinstance(p, Given) else ("", None, p)
            for p in self.compiled[1]
        ]

    def rows(self, **values: Any) -> list[Row]:
        """Run with `values` and return the rows that the statement yields."""
        database = connections[DEFAULT_DB_ALIAS]
        bound = [
            fixed if not name else store(values[name], database) if store else values[name]
            for name, store, fixed in self.places
        ]
        return self.run(bound, database)

    def run(self, bound: list[Any], database: Any) -> list[Row]:
        """Run with values as the database stores them, past Django's cursors unless they are watched."""
        if database.queries_logged or database.execute_wrappers:
            # Who watches the queries sees those that go through Django's own cursors.
            with database.cursor() as cursor:
                cursor.execute(self.compiled[0], bound)
                return fetched(cursor)
        database.close_if_health_check_failed()
        if database.connection is None:
            database.ensure_connection()
        with database.wrap_database_errors:
            return fetched(database.connection.execute(self.text_for_driver, bound))

    def many(self, rows: Iterable[Sequence[Any]]) -> None:
        """Run once for each row of values, given in the order of the statement's places."""
        bound = [list(row) for row in rows]
        if not bound:
            return
        text, params = self.compiled
        database = connections[DEFAULT_DB_ALIAS]  # Asking `connection` takes a while, a million times.
        unlike = [(place, given.bound) for place, given in enumerate(params) if not given.raw]
        for row in bound:
            for place, bind in unlike:
                row[place] = bind(row[place], database)
        if len(bound) == 1:
            self.run(bound[0], database)
            return
        with database.cursor() as cursor:
            cursor.executemany(text, bound)


def fetched(cursor: Any) -> list[Row]:
    rows: list[Row] = cursor.fetchall() if cursor.description else []
    return rows


def select(
    queryset: Callable[[], QuerySet[Any, Any]], *, limited: bool = False, skipping: bool = False
) -> Statement:
    """Prepare a query.

    A `limited` one takes the value `limit`, the most rows it may yield, and one that is `skipping` rows also
    the value `offset`, how many.
    """

    def compiled() -> Compiled:
        text, params = queryset().query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
        # The ORM would write the numbers into the SQL, a statement for each.
        for clause, name, wanted in (("LIMIT", "limit", limited), ("OFFSET", "offset", skipping)):
            if wanted:
                text, params = f"{text} {clause} %s", (*params, Given(name))
        return text, params

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


def delete(queryset: Callable[[], QuerySet[Any, Any]]) -> Statement:
    """Prepare the deletion of the rows of a query, past signals and cascades."""

    def compiled() -> Compiled:
        query: Any = queryset().query.chain(sql.DeleteQuery)
        text, params = query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
        return text, params

    return Statement(compiled)


def column(model: type[Model], name: str) -> "Field[Any, Any]":
    field = model._meta.get_field(name)
    assert isinstance(field, Field)  # noqa: S101  # a relation from elsewhere has no column here
    return field
