"""What the page of statistics shows of a report: figures and those of the period before, charts, tables."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _

from incidents.models import Source
from incidents.statistics.report import DAYS_OF_WEEK, NORM, Report, Slot, Sums
from incidents.web import charts
from incidents.web.templatetags.web import duration

Value = int | float | timedelta | None


def figures(found: Report, before: Sums) -> list[dict[str, Any]]:
    """Describe each figure: its value, the value of the period before, whether it has grown."""
    minutes = NORM // timedelta(minutes=1)
    spreads = _("median; 9 of 10 within %(time)s")
    rows: list[tuple[str, Callable[[Sums], Value], Callable[[Any], str], str]] = [
        (_("Incidents reported"), lambda one: one.reported, str, ""),
        (
            _("Time to first action"),
            lambda one: one.first_action.median,
            duration,
            spreads % {"time": duration(found.first_action.ninetieth)},
        ),
        (
            _("Acted on within %(minutes)d min") % {"minutes": minutes},
            lambda one: one.in_time_share,
            percent,
            _("of those acted on"),
        ),
        (
            _("Time to resolve"),
            lambda one: one.resolution.median,
            duration,
            spreads % {"time": duration(found.resolution.ninetieth)},
        ),
        (
            _("False alarms"),
            lambda one: one.false_alarm_share,
            percent,
            _("%(false)d of %(finished)d finished")
            % {"false": found.false_alarms, "finished": found.finished},
        ),
    ]
    return [
        {
            "label": label,
            "value": written(value(found)),
            "note": note,
            "before": written(value(before)),
            "arrow": arrow(value(found), value(before)),
        }
        for label, value, written, note in rows
    ]


def percent(share: float | None) -> str:
    return "—" if share is None else f"{number_format(share * 100, 1)} %"


def arrow(value: Any, before: Any) -> str:
    if value is None or before is None or value == before:
        return ""
    return "▲" if value > before else "▼"


def charts_of(found: Report, *, by_hour: bool) -> dict[str, Any]:
    largest = max(max(row) for row in found.heat)
    first, last = found.slots[0].day, found.slots[-1].day
    # Of more than a week a row is no day of the queue.
    is_week = last - first < timedelta(days=DAYS_OF_WEEK)
    days = {slot.day.weekday(): queue_of(slot.day, slot.day) for slot in found.slots} if is_week else {}
    return {
        "by_hour": by_hour,
        "bars": charts.stacked(found.slots),
        "lines": charts.lines(found.slots),
        "ticks": charts.ticks(found.slots, by_hour=by_hour),
        "places": [place(slot, by_hour=by_hour) for slot in found.slots],
        "is_running": last == timezone.localdate(),
        "sources": [(source, source.label, queue_of(first, last, source)) for source in Source],
        "table": [row(slot, by_hour=by_hour) for slot in reversed(found.slots)],
        "hours": range(24),
        "heat": [
            (
                WEEKDAYS_ABBR[number],
                [(count, charts.level(count, largest)) for count in counts],
                days.get(number),
            )
            for number, counts in enumerate(found.heat)
        ],
    }


def place(slot: Slot, *, by_hour: bool) -> tuple[str, str]:
    """Return the title of a slot in the chart, and the link to its incidents."""
    title = f"{name(slot, by_hour=by_hour)}: {slot.total}"
    return title, queue_of(slot.day, slot.day)


def row(slot: Slot, *, by_hour: bool) -> dict[str, Any]:
    """Describe a slot as a row of the table."""
    return {
        "name": name(slot, by_hour=by_hour),
        "url": queue_of(slot.day, slot.day),
        "numbers": [(slot.reported[source], queue_of(slot.day, slot.day, source)) for source in Source],
        "total": slot.total,
        "finished": slot.finished,
        "unfinished": slot.unfinished,
    }


def name(slot: Slot, *, by_hour: bool) -> str:
    day = date_format(slot.start, "j.m.Y")
    return f"{day}, {slot.start:%H:%M}" if by_hour else day


def queue_of(first: date, last: date, source: str = "") -> str:
    """Return the address of the queue with what was reported on these days."""
    query = {"status": "all", "since": first.isoformat(), "until": last.isoformat()}
    return f"{reverse('web:queue')}?{urlencode(query | ({'source': source} if source else {}))}"
