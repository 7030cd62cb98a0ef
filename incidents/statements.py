"""The hot statements on incidents, compiled once (see common.db.compiled)."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Func, Model, QuerySet, TextField

from common.db.compiled import Given, Statement, insert, select, update
from incidents.models import Event, Incident

INCIDENT_FIELDS = [
    "description",
    "search_text",
    "status",
    "source",
    "created_at",
    "updated_at",
    "created_by",
    "idempotency_key",
]
insert_incident = insert(Incident, INCIDENT_FIELDS, returning=True)
insert_incident_with_id = insert(Incident, ["id", *INCIDENT_FIELDS])
insert_event = insert(Event, ["incident", "kind", "at", "by", "door", "status_from", "status_to", "comment"])
lock_status = select(
    lambda: Incident.objects.select_for_update().filter(id=Given("id", Incident)).values_list("status")
)
update_status = update(lambda: Incident.objects.filter(id=Given("id", Incident)), ["status", "updated_at"])


class UTCText(Func):
    """A moment as text in UTC to the microsecond, e.g. "2025-11-11T23:08:12.266000"."""

    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        # Django stores moments in UTC as text, and without a fraction where that is zero.
        template = "substr(%(expressions)s,1,10)||'T'||substr(%(expressions)s||'.000000',12,15)"
        return self.as_sql(compiler, connection, template=template, **extra)

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        template = "to_char(%(expressions)s AT TIME ZONE 'UTC','YYYY-MM-DD\"T\"HH24:MI:SS.US')"
        return self.as_sql(compiler, connection, template=template, **extra)


def newest_incidents(by_status: bool, behind: bool) -> Statement:
    def query() -> QuerySet[Incident, Any]:
        rows = Incident.objects.newest_first()
        if by_status:
            rows = rows.filter(status=Given("status", Incident))
        if behind:
            rows = rows.older_than(Given("created_at", Incident), Given("id", Incident))
        return rows.values_list(UTCText("created_at"), "id", "description", "status", "source")

    return select(query, limited=True)


# By whether a status is given, and whether the place of the last incident seen is.
newest = {
    (by_status, behind): newest_incidents(by_status, behind)
    for by_status in (False, True)
    for behind in (False, True)
}


REST_COLUMNS = ("id", "description", "status", "source", UTCText("created_at"), UTCText("updated_at"))


# The fields by which a list is chosen mostly; others are rare enough to be compiled each time.
CHOSEN_BY = [frozenset(fields) for fields in ((), ("status",), ("source",), ("status", "source"))]


def given(model: type[Model], fields: Iterable[str]) -> dict[str, Given]:
    """Return the condition that the fields have the values given when the statement runs."""
    return {name: Given(name, model) for name in sorted(fields)}


def newest_page(fields: Iterable[str]) -> Statement:
    return select(
        lambda: Incident.objects.newest_first().filter(**given(Incident, fields)).values_list(*REST_COLUMNS),
        limited=True,
        skipping=True,
    )


newest_pages = {fields: newest_page(fields) for fields in CHOSEN_BY}
