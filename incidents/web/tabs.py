"""The tabs of the queue: what each shows, in which groups, and how many incidents that is."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db.models import Count, Q
from django.utils.translation import pgettext_lazy

from incidents.counts import totals
from incidents.models import ACTIVE, Status
from incidents.queries import NEWEST_FIRST, IncidentQuery

if TYPE_CHECKING:
    from incidents.web.queue import Page, Queue

ACTIVE_TAB, MINE, ALL = "active", "mine", "all"
TAB_LABELS = {
    ACTIVE_TAB: pgettext_lazy("tab", "Active"),
    Status.OPEN.value: pgettext_lazy("tab", "Open"),
    Status.IN_PROGRESS.value: pgettext_lazy("tab", "In progress"),
    MINE: pgettext_lazy("tab", "Mine"),
    Status.RESOLVED.value: pgettext_lazy("tab", "Resolved"),
    Status.CLOSED.value: pgettext_lazy("tab", "Closed"),
    Status.CANCELLED.value: pgettext_lazy("tab", "Cancelled"),
    Status.FAKE.value: pgettext_lazy("tab", "False alarms"),
    Status.UNKNOWN.value: pgettext_lazy("tab", "Unknown"),
    ALL: pgettext_lazy("tab", "All"),
}
OTHERS = pgettext_lazy("tab", "Others")
# To count what a text or a filter finds takes a look at each active incident.
MAX_COUNTED = 2000


class Group(NamedTuple):
    """Incidents that stand together; `critical` chooses the critical ones of them, or all others."""

    statuses: tuple[Status, ...]
    critical: bool | None = None

    def holds(self, status: str, severity: str | None) -> bool:
        return status in self.statuses and self.critical in (None, severity == "critical")


WAITING = (Group((Status.OPEN,), critical=True), Group((Status.OPEN,), critical=False))
TAKEN = Group((Status.IN_PROGRESS,))
FINISHED = Group(tuple(status for status in Status if status not in ACTIVE))
TABS: dict[str, tuple[Group, ...]] = {
    **{status.value: (Group((status,)),) for status in Status},
    ACTIVE_TAB: (*WAITING, TAKEN),
    Status.OPEN.value: WAITING,
    MINE: (*WAITING, TAKEN),
    ALL: (*WAITING, TAKEN, FINISHED),
}


class Counts(NamedTuple):
    """How many incidents there are of each status, and how many active ones the viewer has; None: unknown."""

    by_status: Counter[str] | None
    mine: int | None

    def of(self, tab: str) -> int | None:
        if tab == MINE:
            return self.mine
        if self.by_status is None:
            return None
        statuses = {status for group in TABS[tab] for status in group.statuses}
        if not statuses <= self.by_status.keys():
            return None
        return sum(self.by_status[status] for status in statuses)


def count(queue: Queue, page: Page | None = None) -> Counts:
    """Count what the queue's filters find in each tab, as far as that costs little.

    `page` is the only page of its tab, if it has no next one.
    """
    kept = totals.by_status(queue.query.sources)
    everything = Counter({status.value: kept[status] for status in Status})
    base = replace(
        queue.query, ordering=NEWEST_FIRST, assignee=None if queue.tab == MINE else queue.query.assignee
    )
    if base == IncidentQuery(sources=base.sources):
        return Counts(everything, number_of_mine(queue, base, page))
    active = Counter[str]()
    mine = None
    if sum(everything[status] for status in ACTIVE) <= MAX_COUNTED:
        found = base.incidents().filter(status__in=ACTIVE).order_by().values_list("status")
        numbers = list(found.annotate(Count("id"), mine=Count("id", filter=Q(assignee=queue.viewer))))
        active = Counter(
            {status.value: 0 for status in ACTIVE} | {status: number for status, number, _mine in numbers}
        )
        mine = sum(number for _status, _all, number in numbers)
    if page and not page.next and len(TABS[queue.tab]) == 1:
        active[TABS[queue.tab][0].statuses[0].value] = len(page.incidents)
    return Counts(active, mine)


def number_of_mine(queue: Queue, base: IncidentQuery, page: Page | None) -> int:
    if page and not page.next and queue.tab == ACTIVE_TAB:
        return sum(one.assignee_id == queue.viewer for one in page.incidents)
    mine = replace(base, assignee=queue.viewer, statuses=frozenset(ACTIVE))
    return mine.incidents().order_by().count()


def tabs(queue: Queue, counts: Counts) -> list[dict[str, Any]]:
    """Describe each tab: its value, label and count, and whether it is the present one."""
    return [
        {"value": value, "label": label, "count": counts.of(value), "current": value == queue.tab}
        for value, label in TAB_LABELS.items()
    ]


def heads(queue: Queue, counts: Counts) -> dict[int, dict[str, Any]]:
    """Describe the head above each group that has one, by the number of the group."""
    found = {}
    for number, group in enumerate(queue.groups):
        if group.critical is False:
            continue
        value = group.statuses[0].value if len(group.statuses) == 1 else ""
        statuses_count = counts.by_status and value in counts.by_status and counts.by_status[value]
        found[number] = {
            "value": value,
            "label": TAB_LABELS.get(value, OTHERS),
            "count": None if queue.tab == MINE or not isinstance(statuses_count, int) else statuses_count,
            "position": f"{number}.{0 if queue.oldest_first else 9_999_999_999_999_999}.0",
            "first": number == 0,
        }
    return found
