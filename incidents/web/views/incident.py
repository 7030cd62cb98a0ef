"""One incident: its text, its history, and what may be done with it."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_POST

from incidents import services
from incidents.models import Event, Incident, Status
from incidents.web import change_token
from incidents.web.access import origin, page_for, user_of
from incidents.web.forms import ChangeForm
from incidents.web.queue import IncidentQuery, in_brief, row
from users.models import Action

VERBS = {
    Status.OPEN: pgettext_lazy("verb", "Open again"),
    Status.IN_PROGRESS: pgettext_lazy("verb", "Take"),
    Status.RESOLVED: pgettext_lazy("verb", "Resolve"),
    Status.CLOSED: pgettext_lazy("verb", "Close"),
    Status.CANCELLED: pgettext_lazy("verb", "Cancel"),
    Status.FAKE: pgettext_lazy("verb", "False alarm"),
    Status.UNKNOWN: pgettext_lazy("verb", "Unknown"),
}
# What most often comes next, and so is offered first.
LIKELY = {
    Status.OPEN: (Status.IN_PROGRESS, Status.RESOLVED, Status.FAKE),
    Status.IN_PROGRESS: (Status.RESOLVED, Status.CLOSED, Status.FAKE),
    Status.RESOLVED: (Status.CLOSED, Status.OPEN),
    Status.UNKNOWN: (Status.OPEN, Status.IN_PROGRESS),
}


@page_for(Action.LIST)
def incident(request: HttpRequest, pk: int) -> HttpResponse:
    return incident_page(request, pk)


@require_POST
@page_for(Action.UPDATE)
def change(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Set a status, add a comment, or both; what changed meanwhile is shown instead of overwritten."""
    form = ChangeForm(request.POST)
    in_queue = request.headers.get("HX-Target") == f"incident-{pk}"
    status = HTTPStatus.OK
    if not form.is_valid():
        status = HTTPStatus.BAD_REQUEST
    else:
        word = form.cleaned_data["status"]
        try:
            services.change(
                pk,
                origin(request),
                status=Status(word) if word else None,
                # A comment alone overwrites nothing.
                expected_status=Status(form.cleaned_data["seen"]) if word else None,
                comment=form.cleaned_data["comment"],
            )
        except services.IncidentNotFound:
            raise Http404 from None
        except services.StaleStatus:
            status = HTTPStatus.CONFLICT
        except services.HistoryFull:
            form.add_error(None, _("This incident has too many events, report a new one."))
            status = HTTPStatus.BAD_REQUEST
    if in_queue:
        return row_in_queue(request, pk, status)
    if status == HTTPStatus.OK:
        if word:
            messages.success(
                request, _("Incident #%(id)d: %(status)s") % {"id": pk, "status": Status(word).label}
            )
        return redirect("web:incident", pk)
    return incident_page(request, pk, form, status)


def incident_page(
    request: HttpRequest, pk: int, form: ChangeForm | None = None, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    newest = change_token.newest_event()
    found = get_object_or_404(Incident.objects.select_related("created_by").defer("search_text"), pk=pk)
    events = list(Event.objects.filter(incident=found).select_related("by"))
    context = {
        "incident": found,
        "events": events,
        "reported": next((event for event in events if event.kind == Event.Kind.CREATED), None),
        "form": form or ChangeForm(),
        "conflict": events[-1] if status == HTTPStatus.CONFLICT and events else None,
        "choices": choices(Status(found.status)),
        "may_update": user_of(request).may(Action.UPDATE),
        "newest": newest,
        "news": change_token.word_for(newest),
    }
    return render(request, "web/incident.html", context, status=status)


def row_in_queue(request: HttpRequest, pk: int, status: HTTPStatus) -> HttpResponse:
    """Answer the incident's row alone, for a queue that is open to put in the old one's place."""
    found = get_object_or_404(in_brief(Incident.objects.all()), pk=pk)
    context = row(request, IncidentQuery(), found) | {"conflict": status == HTTPStatus.CONFLICT}
    return render(request, "web/row.html", context, status=status)


def choices(present: Status) -> list[dict[str, Any]]:
    """Describe the button of each other status: word, verb, key, and whether it is a likely one."""
    likely = LIKELY.get(present, (Status.OPEN,))
    keys = {status: number for number, status in enumerate(Status, start=1)}
    others = [status for status in Status if status != present and status not in likely]
    return [
        {"status": status, "verb": VERBS[status], "key": keys[status], "likely": status in likely}
        for status in (*likely, *others)
    ]
