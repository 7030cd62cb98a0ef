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


def number_of(statuses: Container[str] | None = None, sources: Container[str] | None = None) -> int:
    """Return how many incidents have one of the statuses and one of the sources; None stands for any."""
    if statuses is None and sources is None:
        return sum(int(number or 0) for (number,) in total.rows())
    return sum(
        int(number)
        for status, source, number in kept.rows()
        if (statuses is None or status in statuses) and (sources is None or source in sources)
    )


def by_status(sources: Container[str] | None = None) -> Counter[str]:
    """Count the incidents of each status that have one of the sources; None stands for any."""
    found: Counter[str] = Counter()
    for status, source, number in kept.rows():
        if sources is None or source in sources:
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
