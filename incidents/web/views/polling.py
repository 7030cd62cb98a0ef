"""What an open page asks every few seconds: whether anything has changed, and if so, what."""

import re

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from incidents.models import Event, Incident, Status
from incidents.web import change_token
from incidents.web.access import require_action, user_of
from incidents.web.filters import without
from incidents.web.queue import Queue, in_brief
from incidents.web.rows import rows
from incidents.web.tabs import count, tabs
from users.roles import Action

# A page that has missed more events is better loaded anew.
MAX_CHANGES = 200
EVENT_ID = re.compile(r"\d{1,18}", re.ASCII)


@require_safe
@require_action(Action.LIST)
def token(request: HttpRequest) -> HttpResponse:
    """Respond with the change token, or with 204 if the `token` of the query is still the current one."""
    current = change_token.current()
    if request.GET.get("token") == current:
        return HttpResponse(status=204)
    return HttpResponse(current, content_type="text/plain")


@require_safe
@require_action(Action.LIST)
def changes(request: HttpRequest) -> HttpResponse:
    """Respond with the rows that changed after the event `after_event`, for an open page to merge.

    With `incident` only with this one's row. 205 asks to load the page anew: too much has changed, or the
    page is of version 1.0, which has another name for the parameter and reads other attributes.
    """
    newest = change_token.newest_event_id()
    if "after_event" not in request.GET:
        return HttpResponse(status=205)
    after_event, only = (to_id(request.GET.get(name, "")) for name in ("after_event", "incident"))
    if after_event is None:
        return HttpResponse(status=400)
    events = Event.objects.filter(id__gt=after_event)
    if only is not None:
        events = events.filter(incident=only)
    # The limit counts events: those behind it might be of incidents that are not among the ones found.
    found = list(events.order_by("id").values_list("incident", flat=True)[: MAX_CHANGES + 1])
    if len(found) > MAX_CHANGES:
        return HttpResponse(status=205)
    ids = set(found)
    queue = Queue.of(request.GET, user_of(request))
    shown = set(queue.query.incidents(Incident.objects.filter(pk__in=ids)).values_list("pk", flat=True))
    query = without(request.GET, "after_event", "incident")
    incidents = list(in_brief(Incident.objects.filter(pk__in=ids)))
    context = {
        "tabs": tabs(queue, count(queue)),
        "rows": [
            row
            | {
                "belongs": one.pk in shown and queue.shows(one),
                # It may stand among those that wait, in the page that shows it already.
                "says_status": one.status != Status.OPEN,
            }
            for one, row in zip(incidents, rows(request, queue, incidents, query), strict=True)
        ],
        "newest_event": newest,
        "change_token": change_token.token_for(newest),
    }
    return render(request, "web/changes.html", context)


def to_id(text: str) -> int | None:
    return int(text) if EVENT_ID.fullmatch(text) else None
