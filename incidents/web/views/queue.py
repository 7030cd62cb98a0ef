"""The queue at `/`, and its CSV."""

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from http import HTTPStatus
from typing import Any

from django.db.models import Count, Max
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from incidents import export_limit
from incidents.keyset import Position
from incidents.models import Incident, Source, Status
from incidents.web import change_token
from incidents.web.access import require_action, require_login, user_of
from incidents.web.csv_response import CSVResponse
from incidents.web.first_steps import first_steps
from incidents.web.queue import Queue, QueueForm, midnight, row, tabs
from users.roles import Action

FILTERS = ("source", "severity", "assignee", "since", "until", "order")


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
    asked = Queue.of(request.GET, user_of(request))
    after = position(request.GET.get("after", ""))
    page = asked.page(after)
    form = QueueForm(request.GET, label_suffix="")
    context = {
        "form": form,
        "filter_fields": [form[name] for name in FILTERS],
        "queue": asked,
        "tabs": tabs(asked, None if after else page),
        "found": len(page.incidents) if asked.is_filtered and not after else None,
        "words": asked.query.words,
        "rows": [row(request, asked, incident) for incident in page.incidents],
        "next": str(page.next) if page.next else None,
        "after": after,
        "first_steps": first_steps(user_of(request)),
        "resolved_today": None if page.incidents or asked.is_filtered else resolved_today(),
        "newest_event": newest,
        "change_token": change_token.token_for(newest),
    }
    return render(request, "web/queue.html", context)


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
    header = ("id", _("created at"), _("updated at"), _("status"), _("source"), _("description"))
    lock = None
    if request.method != "HEAD":
        lock = export_limit.acquire("csv", user_of(request).pk, export_limit.MAX_EXPORTS)
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
    return (
        [
            pk,
            local(created_at, zone),
            local(updated_at, zone),
            statuses[status],
            sources[source],
            description,
        ]
        for rows in asked.walk()
        for pk, description, status, source, created_at, updated_at in rows
    )


def local(text: str, zone: tzinfo) -> str:
    utc = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return utc.astimezone(zone).isoformat(sep=" ", timespec="seconds")


def position(text: str) -> Position | None:
    try:
        return Position.from_text(text)
    except ValueError:
        return None
