"""How many incidents there are, without counting them: the database keeps the numbers (IncidentCount).

Counting a million rows takes tens of milliseconds, too much for each page of a list.
"""

from collections import Counter
from collections.abc import Container

from django.db import connection, transaction
from django.db.models import Sum, Value

from common.db.compiled import select
from incidents.counts import triggers
from incidents.models import IncidentCount

kept = select(
    lambda: IncidentCount.objects.order_by().values_list("status", "source").annotate(number=Sum("number"))
)

# Grouped by a constant: the sum of all would be no QuerySet.
total = select(
    lambda: (
        IncidentCount.objects.order_by()
        .values(all=Value(1))
        .annotate(number=Sum("number"))
        .values_list("number")
    )
)


def number_of(statuses: Container[str] | None = None, source: str | None = None) -> int:
    """Return how many incidents have one of the statuses and the source; None stands for any."""
    if statuses is None and not source:
        return sum(int(number or 0) for (number,) in total.rows())
    return sum(
        int(number)
        for status, reported_by, number in kept.rows()
        if (statuses is None or status in statuses) and (not source or reported_by == source)
    )


def by_status(source: str | None = None) -> Counter[str]:
    """Count the incidents of each status, of one source or of all."""
    found: Counter[str] = Counter()
    for status, reported_by, number in kept.rows():
        if source in (None, reported_by):
            found[status] += int(number)
    return +found


def recount() -> None:
    """Count all incidents, and create the triggers that count from now on.

    After a restore of single tables the triggers count what was counted, or they are missing.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # What is written meanwhile would be counted twice, or not at all.
            cursor.execute("LOCK TABLE incidents_incident IN SHARE ROW EXCLUSIVE MODE")
        triggers.create_all()
