"""The queue at `/`, and its CSV."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from incidents.web import change_token, csv_lines
from incidents.web.access import require_action, user_of
from incidents.web.place import Place
from incidents.web.queue import IncidentQuery, QueueForm, row, tabs
from users.models import Action


@login_required
def queue(request: HttpRequest) -> HttpResponseBase:
    """Show the queue, or the form to a user who may only report."""
    if not user_of(request).may(Action.LIST):
        return redirect("web:report")
    return queue_page(request)


@require_action(Action.LIST)
def queue_page(request: HttpRequest) -> HttpResponse:
    # Read before the rows: what changes in between then comes by /changes/.
    newest = change_token.newest_event_id()
    query = IncidentQuery.of(request.GET)
    after = Place.parse(request.GET.get("after", ""))
    page = query.page(after)
    form = QueueForm(request.GET, label_suffix="")
    context = {
        "form": form,
        "filter_fields": [form[name] for name in ("source", "since", "until", "order")],
        "query": query,
        "filtered": bool(query.text or query.source or query.since or query.until),
        "tabs": tabs(query),
        "rows": [row(request, query, incident) for incident in page.incidents],
        "next": str(page.next) if page.next else None,
        "after": after,
        "newest_event": newest,
        "change_token": change_token.token_for(newest),
    }
    return render(request, "web/queue.html", context)


@require_action(Action.LIST)
def csv_file(request: HttpRequest) -> HttpResponseBase:
    """Answer all incidents of the queue with this address as CSV."""
    query = IncidentQuery.of(request.GET)
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
        for incident in query.everything()
    )
    return StreamingHttpResponse(
        csv_lines.written(header, rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="incidents.csv"'},
    )
