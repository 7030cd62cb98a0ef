"""The statistics of a chosen period, as a page and as CSV."""

from datetime import date, timedelta
from typing import Any, NamedTuple

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from common import datetimes
from common.db import errors as db_errors
from incidents.counts import totals
from incidents.models import ACTIVE, Incident, Source, Status
from incidents.statistics import buckets, report
from incidents.web.access import require_action, user_of
from incidents.web.csv_response import CSVResponse
from incidents.web.forms import DateInput
from incidents.web.statistics_page import charts_of, figures
from users.models import User
from users.roles import Action

PRESETS = (1, 7, 30, 90, 365)
DEFAULT_DAYS = 30
MAX_DAYS = 5 * 366
MAX_DAYS_BY_HOUR = 2
# For counting old events during a request; then the page shows how far the counting is.
MAX_CATCH_UP_SECONDS = 0.5


class Period(NamedTuple):
    """The days from `first` to `last`, both included."""

    first: date
    last: date


class PeriodForm(forms.Form):
    since = forms.DateField(label=gettext_lazy("From"), widget=DateInput, required=False)
    until = forms.DateField(label=gettext_lazy("To"), widget=DateInput, required=False)

    def clean(self) -> dict[str, Any]:
        since, until = (self.cleaned_data.get(name) for name in ("since", "until"))
        if since and until and since > until:
            raise ValidationError(_("The beginning is after the end."))
        return self.cleaned_data

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
    asked = PeriodForm(request.GET, label_suffix="")
    period = asked.period()
    shown = PeriodForm(initial={"since": period.first, "until": period.last}, label_suffix="")
    is_backwards = bool(asked.non_field_errors())
    context = {
        "period": period,
        "form": asked if is_backwards else shown,
        "errors": asked.non_field_errors(),
        "presets": presets(period),
        "now": now(user_of(request)),
        "progress": None if complete else buckets.percent_counted(),
        "is_shown": complete and not is_backwards,
    }
    if context["is_shown"]:
        days = (period.last - period.first).days + 1
        by_hour = days <= MAX_DAYS_BY_HOUR
        before = (period.first - timedelta(days=days), period.first - timedelta(days=1))
        found = report.of_period(*period, by_hour=by_hour)
        context |= {
            "report": found,
            "people": visible(found.people, user_of(request)),
            "figures": figures(found, report.sums_of_period(*before)),
            **charts_of(found, by_hour=by_hour),
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
    rows = ((slot.day, *(slot.reported[source] for source in Source), slot.total) for slot in found.slots)
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


def now(viewer: User) -> dict[str, Any]:
    """Describe what waits and what is being worked on, whatever the period."""
    by_status = totals.by_status()
    waiting = Incident.objects.filter(status=Status.OPEN)
    oldest = waiting.order_by("created_at", "id").values("pk", "created_at").first()
    return {
        "waiting": by_status[Status.OPEN],
        "late": waiting.filter(created_at__lt=timezone.now() - report.NORM).count(),
        "oldest": oldest,
        "oldest_age": timezone.now() - oldest["created_at"] if oldest else None,
        "in_progress": by_status[Status.IN_PROGRESS],
        "mine": Incident.objects.filter(assignee=viewer, status__in=ACTIVE).count(),
    }


def visible(people: list[report.PersonReport], viewer: User) -> list[report.PersonReport]:
    """A superuser sees everybody's numbers, others see their own."""
    return [person for person in people if viewer.is_superuser or person.user == viewer]
