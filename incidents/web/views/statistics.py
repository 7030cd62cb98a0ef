"""The statistics of a chosen period, as a page and as CSV."""

from datetime import date, timedelta
from typing import Any, NamedTuple

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from common import datetimes
from common.db import errors as db_errors
from incidents.counts import totals
from incidents.models import Source, Status
from incidents.statistics import buckets, report
from incidents.web import charts
from incidents.web.access import require_action
from incidents.web.csv_response import CSVResponse
from incidents.web.forms import DateInput
from users.roles import Action

PRESETS = (7, 30, 90, 365)
DEFAULT_DAYS = 30
MAX_DAYS = 5 * 366
# For counting old events during a request; then the page shows how far the counting is.
MAX_CATCH_UP_SECONDS = 0.5


class Period(NamedTuple):
    """The days from `first` to `last`, both included."""

    first: date
    last: date


class PeriodForm(forms.Form):
    since = forms.DateField(label=gettext_lazy("From"), widget=DateInput, required=False)
    until = forms.DateField(label=gettext_lazy("To"), widget=DateInput, required=False)

    def period(self) -> Period:
        """Return the given period, at most five years; by default the 30 days until today."""
        self.is_valid()
        today = timezone.localdate()
        asked = self.cleaned_data.get("until") or today
        last = asked if datetimes.MIN_DATETIME.date() <= asked <= today else today
        first = self.cleaned_data.get("since") or last - timedelta(days=DEFAULT_DAYS - 1)
        return Period(min(max(first, last - timedelta(days=MAX_DAYS)), last), last)


@require_action(Action.LIST)
def catch_up_and_show(request: HttpRequest) -> HttpResponse:
    """Count new events, for a while, and show the statistics, or how far the counting is.

    So a GET writes; what it writes is derived from the events and tells nobody anything new.
    """
    complete = buckets.catch_up(MAX_CATCH_UP_SECONDS)
    period = PeriodForm(request.GET).period()
    found = report.of_period(*period) if complete else None
    context = {
        "period": period,
        "form": PeriodForm(initial={"since": period.first, "until": period.last}, label_suffix=""),
        "presets": presets(period),
        "progress": None if complete else buckets.percent_counted(),
        "report": found,
        "bars": charts.stacked(found.days) if found else None,
        "share": share * 100 if found and (share := found.false_alarm_share) is not None else None,
        "sources": [(source, source.label) for source in Source],
        "table": table(found) if found else None,
        "statuses_now": statuses(),
    }
    return render(request, "web/statistics.html", context)


@require_safe
@require_action(Action.LIST)
def catch_up_and_download(request: HttpRequest) -> HttpResponseBase:
    """Respond with the incidents of each day of the period, by source, as CSV; 503 until all are counted."""
    if not buckets.catch_up(MAX_CATCH_UP_SECONDS):
        return HttpResponse(status=503, headers=db_errors.RETRY_AFTER)
    found = report.of_period(*PeriodForm(request.GET).period())
    header = (_("Day"), *Source.labels, _("Total"))
    rows = ((day.day, *(day.reported[source] for source in Source), day.total) for day in found.days)
    return CSVResponse(request, "incidents-by-day.csv", header, rows)


def presets(period: Period) -> list[dict[str, Any]]:
    today = timezone.localdate()
    return [
        {
            "days": days,
            "first": today - timedelta(days=days - 1),
            "last": today,
            "current": period == (today - timedelta(days=days - 1), today),
        }
        for days in PRESETS
    ]


def table(found: report.Report) -> list[dict[str, Any]]:
    """Describe the days as rows of a table, newest first."""
    return [
        {"day": day.day, "total": day.total, "numbers": [day.reported[source] for source in Source]}
        for day in reversed(found.days)
    ]


def statuses() -> list[dict[str, Any]]:
    """Describe how many incidents have each status now, also in percent of the largest of these numbers."""
    by_status = totals.by_status()
    largest = max(by_status.values(), default=0) or 1
    return [
        {
            "status": status,
            "label": status.label,
            "count": by_status[status],
            "percent": round(by_status[status] / largest * 100, 1),
        }
        for status in Status
    ]
