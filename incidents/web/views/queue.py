"""The queue at `/`, its changes for pages that are open, and its CSV."""

import re
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from incidents.counts import totals
from incidents.models import Event, Incident
from incidents.web import change_token, csv_lines
from incidents.web.access import page_for, user_of
from incidents.web.place import Place
from incidents.web.queue import TAB_LABELS, TABS, IncidentQuery, QueueForm, in_brief, row
from users.models import Action

# A page that has missed more than this is better loaded anew.
MAX_CHANGES = 200
WHOLE = re.compile(r"\d{1,18}", re.ASCII)


@login_required
def queue(request: HttpRequest) -> HttpResponseBase:
    """Show the queue; whoever may only report is shown the form for that."""
    if not user_of(request).may(Action.LIST):
        return redirect("web:report")
    return queue_page(request)


@page_for(Action.LIST)
def queue_page(request: HttpRequest) -> HttpResponse:
    # Read before the rows: what happens in between is then told by the changes.
    newest = change_token.newest_event()
    wanted = IncidentQuery.of(request.GET)
    after = Place.parse(request.GET.get("after", ""))
    page = wanted.page(after)
    form = QueueForm(request.GET, label_suffix="")
    context = {
        "form": form,
        "filter_fields": [form[name] for name in ("source", "since", "until", "order")],
        "wanted": wanted,
        "filtered": bool(wanted.text or wanted.source or wanted.since or wanted.until),
        "tabs": tabs(wanted),
        "rows": [row(request, wanted, incident) for incident in page.incidents],
        "next": str(page.next) if page.next else None,
        "after": after,
        "newest": newest,
        "news": change_token.word_for(newest),
    }
    return render(request, "web/queue.html", context)


@page_for(Action.LIST)
def changes(request: HttpRequest) -> HttpResponse:
    """Answer the rows of what has changed since the event `event`, for a page with this address to merge.

    With `incident` only of this one. 205 if there is too much of it: the page is to be loaded anew.
    """
    newest = change_token.newest_event()
    since, only = (whole(request.GET.get(name, "")) for name in ("event", "incident"))
    if since is None:
        return HttpResponse(status=400)
    events = Event.objects.filter(id__gt=since)
    if only is not None:
        events = events.filter(incident=only)
    # Counted by events: those behind the limit might be of incidents that are not among the ones found.
    found = list(events.order_by("id").values_list("incident", flat=True)[: MAX_CHANGES + 1])
    if len(found) > MAX_CHANGES:
        return HttpResponse(status=205)
    ids = set(found)
    wanted = IncidentQuery.of(request.GET)
    shown = set(wanted.incidents().filter(pk__in=ids).values_list("pk", flat=True))
    context = {
        "tabs": tabs(wanted),
        "rows": [
            row(request, wanted, incident) | {"belongs": incident.pk in shown and wanted.shows(incident)}
            for incident in in_brief(Incident.objects.filter(pk__in=ids))
        ],
        "newest": newest,
        "news": change_token.word_for(newest),
    }
    return render(request, "web/changes.html", context)


@page_for(Action.LIST)
def csv_file(request: HttpRequest) -> HttpResponseBase:
    """Answer all incidents of the queue with this address as CSV."""
    wanted = IncidentQuery.of(request.GET)
    header = ("id", _("created at"), _("updated at"), _("status"), _("source"), _("description"))
    rows = (
        (
            incident.pk,
            incident.created_at,
            incident.updated_at,
            incident.get_status_display(),
            incident.get_source_display(),
            incident.description,
        )
        for incident in wanted.everything()
    )
    return StreamingHttpResponse(
        csv_lines.written(header, rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="incidents.csv"'},
    )


def tabs(wanted: IncidentQuery) -> list[dict[str, Any]]:
    """Describe each tab: its word, label and count, and whether it is the present one."""
    by_status = totals.by_status()
    return [
        {
            "word": word,
            "label": TAB_LABELS[word],
            "count": sum(by_status[status] for group in groups for status in group),
            "current": word == wanted.tab,
        }
        for word, groups in TABS.items()
    ]


def whole(text: str) -> int | None:
    return int(text) if WHOLE.fullmatch(text) else None
