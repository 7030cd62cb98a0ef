"""The queue at `/`, and its CSV."""

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from http import HTTPStatus
from operator import itemgetter
from typing import Any

from django.conf import settings
from django.db.models import Count, Max
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from incidents import stream_limit
from incidents.keyset import Position
from incidents.models import Incident, Source, Status
from incidents.severity import Severity
from incidents.statements import IncidentRow
from incidents.web import change_token, preferences, storms
from incidents.web.access import require_action, require_login, user_of
from incidents.web.csv_response import CSVResponse
from incidents.web.filters import (
    FILTERS,
    OLDEST,
    ORDER_COOKIE,
    QueueForm,
    chips,
    other_order,
    with_order,
    without,
)
from incidents.web.first_steps import first_steps
from incidents.web.queue import Page, Queue, midnight
from incidents.web.rows import rows
from incidents.web.tabs import Counts, count, heads, tabs
from users.roles import Action


@require_login
def queue(request: HttpRequest) -> HttpResponseBase:
    """Show the queue, or the form to a user who may only report."""
    if not user_of(request).may(Action.LIST):
        return redirect("web:report")
    return queue_page(request)


@require_action(Action.LIST)
def queue_page(request: HttpRequest) -> HttpResponse:
    # Read before the rows: what changes in between then comes by /changes/.
    newest = change_token.newest_event_id()
    parameters = with_order(request)
    asked = Queue.of(parameters, user_of(request))
    after = position(request.GET.get("after", ""))
    page = asked.page(after)
    if page.next and storms.has_storm(asked, page.incidents):
        page = asked.page(after, storms.PAGE)
    counts = count(asked, None if after else page)
    form = QueueForm(parameters, label_suffix="")
    context = {
        "form": form,
        "filter_fields": [form[name] for name in FILTERS],
        "chips": chips(parameters),
        "queue": asked,
        "tabs": tabs(asked, counts),
        "waiting": counts.of(Status.OPEN),
        "found": len(page.incidents) if asked.is_filtered and not after else None,
        "items": items(request, asked, page, after, counts),
        "next": str(page.next) if page.next else None,
        "after": after,
        "first_steps": first_steps(user_of(request)),
        "other_order": other_order(parameters),
        "overdue_after": " ".join(map(str, settings.OVERDUE_AFTER)),
        "resolved_today": None if page.incidents or asked.is_filtered else resolved_today(),
        "newest_event": newest,
        "change_token": change_token.token_for(newest),
    }
    response = render(request, "web/queue.html", context)
    if "order" in request.GET and asked.oldest_first != (request.COOKIES.get(ORDER_COOKIE) == OLDEST):
        preferences.keep(response, request, ORDER_COOKIE, OLDEST if asked.oldest_first else "")
    return response


def items(
    request: HttpRequest, asked: Queue, page: Page, after: Position | None, counts: Counts
) -> list[dict[str, Any]]:
    """Describe the rows, and before the first one of each group its head."""
    first = after.group + 1 if after else 0
    last = page.next.group if page.next else len(asked.groups)
    found: list[tuple[tuple[int, int], dict[str, Any]]] = [
        ((number, 0), {"head": head})
        for number, head in heads(asked, counts).items()
        if first <= number <= last
    ]
    found += [
        # The one whose number was searched for is the first, whatever it is.
        ((-1 if row["pk"] and row["pk"] == asked.number else row["position"].group, 1), row)
        for row in storms.folded(rows(request, asked, page.incidents, without(request.GET)))
    ]
    return [item for _place, item in sorted(found, key=itemgetter(0))]


def resolved_today() -> dict[str, Any]:
    """Count what was resolved since midnight and is so still, and tell when the last one was."""
    today = midnight(timezone.localdate())
    found = Incident.objects.filter(updated_at__gte=today, status=Status.RESOLVED)
    return found.aggregate(number=Count("id"), last=Max("updated_at"))


@require_safe
@require_action(Action.LIST)
def csv_file(request: HttpRequest) -> HttpResponseBase:
    """Respond with all incidents of the queue with these parameters as CSV, by their time."""
    asked = Queue.of(request.GET, user_of(request))
    header = (
        *("id", _("created at"), _("updated at"), _("status"), _("source"), _("description")),
        *(_("severity"), _("assignee"), _("key"), _("repeats")),
    )
    lock = None
    if request.method != "HEAD":
        lock = stream_limit.acquire("csv", user_of(request).pk, stream_limit.MAX_EXPORTS)
        if lock is None:
            response = render(request, "429.html", status=HTTPStatus.TOO_MANY_REQUESTS)
            response["Retry-After"] = "10"
            return response
    return CSVResponse(request, "incidents.csv", header, cells(asked), lock)


def cells(asked: Queue) -> Iterator[list[Any]]:
    """Yield the cells of all rows, in the language and the time zone that are current at the call."""
    zone = timezone.get_current_timezone()
    statuses = {value: str(label) for value, label in Status.choices}
    sources = {value: str(label) for value, label in Source.choices}
    severities = {value: str(label) for value, label in Severity.choices}
    return (
        [
            row.id,
            local(row.created_at, zone),
            local(row.updated_at, zone),
            statuses[row.status],
            sources[row.source],
            row.description,
            severities.get(row.severity or "", ""),
            row.assignee,
            row.dedup_key,
            row.repeats,
        ]
        for rows in asked.walk()
        for row in map(IncidentRow._make, rows)
    )


def local(text: str, zone: tzinfo) -> str:
    utc = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return utc.astimezone(zone).isoformat(sep=" ", timespec="seconds")


def position(text: str) -> Position | None:
    try:
        return Position.from_text(text)
    except ValueError:
        return None
