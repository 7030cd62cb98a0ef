"""How many incidents there are, without counting them: the database keeps the numbers (IncidentCount).

Counting a million rows takes tens of milliseconds, too much for each page of a list.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet, Sum
from django.db.models.expressions import Col
from django.db.models.lookups import Exact
from django.utils.functional import cached_property

from config.prepared import select
from incidents.models import Incident, IncidentCount

kept = select(
    lambda: IncidentCount.objects.order_by().values_list("status", "source").annotate(number=Sum("number"))
)


def by_status() -> Counter[str]:
    """Count the incidents of each status word."""
    counter: Counter[str] = Counter()
    for status, _source, number in kept.rows():
        counter[status] += int(number)
    return +counter


def number_of(incidents: QuerySet[Incident, Any]) -> int:
    """Count the rows of a query; those that only a status and a source choose are counted already."""
    try:
        chosen = list(chosen_words(incidents))
    except Unknown:
        return incidents.count()
    return sum(int(row[2]) for row in kept.rows() if all(row[place] == word for place, word in chosen))


class Unknown(Exception):
    """The kept counts do not tell."""


def chosen_words(incidents: QuerySet[Incident, Any]) -> Iterator[tuple[int, str]]:
    """Yield the statuses and sources by which a query chooses its rows, each with its place in a count."""
    query = incidents.query
    where = query.where
    if query.is_sliced or query.distinct or query.combinator or query.annotations or query.extra:
        raise Unknown
    if where.negated or (where.connector != "AND" and where.children):
        raise Unknown
    places = {Incident._meta.get_field("status"): 0, Incident._meta.get_field("source"): 1}
    for condition in where.children:
        if not (isinstance(condition, Exact) and isinstance(condition.lhs, Col)):
            raise Unknown
        if condition.lhs.target not in places or not isinstance(condition.rhs, str):
            raise Unknown
        yield places[condition.lhs.target], condition.rhs


class CountedPaginator(Paginator[Any]):
    """Django's, for incidents: it does not count what is counted."""

    @cached_property
    def count(self) -> int:
        assert isinstance(self.object_list, QuerySet)  # noqa: S101  # as its users call it
        return number_of(self.object_list)
