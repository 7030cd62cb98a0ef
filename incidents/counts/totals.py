"""How many incidents there are, without counting them: the database keeps the numbers (IncidentCount).

Counting a million rows takes tens of milliseconds, too much for each page of a list.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.core.paginator import Paginator
from django.db import connection
from django.db.models import QuerySet, Sum, Value
from django.db.models.expressions import Col
from django.db.models.lookups import Exact
from django.utils.functional import cached_property

from common.db.compiled import Statement, select
from common.db.transactions import write_transaction
from incidents import statements
from incidents.counts import triggers
from incidents.models import Incident, IncidentCount

kept = select(lambda: IncidentCount.objects.order_by().values_list("status").annotate(number=Sum("number")))


def sum_of(fields: Iterable[str]) -> Statement:
    return select(
        lambda: (
            IncidentCount.objects.order_by()
            .filter(**statements.given(IncidentCount, fields))
            # Grouped by a constant: the sum of all by itself would be no query set.
            .values(all=Value(1))
            .annotate(number=Sum("number"))
            .values_list("number")
        )
    )


sums = {fields: sum_of(fields) for fields in statements.CHOSEN_BY}


def recount() -> None:
    """Count all incidents, as after a restore of single tables, in which triggers count what was counted."""
    with write_transaction(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Who writes meanwhile would be counted twice, or not at all.
            cursor.execute("LOCK TABLE incidents_incident IN SHARE ROW EXCLUSIVE MODE")
        IncidentCount.objects.all().delete()
        cursor.execute(triggers.COUNT_ALL)


def by_status() -> Counter[str]:
    """Count the incidents of each status word."""
    return +Counter({status: int(number) for status, number in kept.rows()})


def number_of(incidents: QuerySet[Incident, Any]) -> int:
    """Count the rows of a query; those that only a status and a source choose are counted already."""
    words = chosen_words(incidents)
    return incidents.count() if words is None else kept_number(words)


def kept_number(words: dict[str, str]) -> int:
    """Return how many incidents have the status and the source of `words`, as far as it names them."""
    [(number,)] = sums[frozenset(words)].rows(**words)
    return int(number or 0)


def chosen_words(incidents: QuerySet[Incident, Any]) -> dict[str, str] | None:
    """Return the status and the source by which a query chooses its rows; None if it has other conditions."""
    query = incidents.query
    where = query.where
    if query.is_sliced or query.distinct or query.combinator or query.annotations or query.extra:
        return None
    if where.negated or where.connector != "AND":
        return None
    words: dict[str, str] = {}
    for condition in where.children:
        if not (isinstance(condition, Exact) and isinstance(condition.lhs, Col)):
            return None
        field, word = condition.lhs.target, condition.rhs
        known = field.model is Incident and field.name in ("status", "source") and isinstance(word, str)
        if not known or words.setdefault(field.name, word) != word:
            return None
    return words


class CountedPaginator(Paginator[Any]):
    """Django's, for incidents: it does not count what is counted."""

    @cached_property
    def count(self) -> int:
        assert isinstance(self.object_list, QuerySet)  # noqa: S101  # as its users call it
        return number_of(self.object_list)
