"""What is done with many incidents of the queue at once, and undone as one."""

import re
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_htmx.middleware import HtmxDetails

from incidents import many
from incidents.many import Outcome, Wanted
from incidents.models import Incident, Status
from incidents.web.access import origin, require_action, user_of
from incidents.web.filters import without
from incidents.web.forms import ChangeForm
from incidents.web.queue import Queue, in_brief
from incidents.web.rows import rows
from incidents.web.views.incident import query_of_page
from users.roles import Action

STATUSES = "|".join(Status.values)
# The number of an incident, the status that was seen, and of what is undone the one before.
CHOSEN = re.compile(rf"(\d{{1,18}})\.({STATUSES})(?:\.({STATUSES}))?", re.ASCII)
DONE = {
    "": gettext_lazy("Commented: %(number)d"),
    Status.OPEN: gettext_lazy("Back in the queue: %(number)d"),
    Status.IN_PROGRESS: gettext_lazy("Taken: %(number)d"),
    Status.RESOLVED: gettext_lazy("Resolved: %(number)d"),
    Status.FAKE: gettext_lazy("False alarms: %(number)d"),
}
UNDONE = gettext_lazy("Undone: %(number)d")
MAX_NAMED = 3


@require_action(Action.UPDATE)
def change_chosen(request: HttpRequest) -> HttpResponse:
    """Set the status of the chosen incidents, comment on them, or both; `undo` sets each back."""
    if request.method != "POST":
        return redirect("web:queue")
    # The rules of a comment are the same for one incident.
    form = ChangeForm(request.POST.dict() | {"seen": Status.OPEN})
    if not form.is_valid():
        return respond(request, [str(errors[0]) for errors in form.errors.values()], Outcome(), [])
    undo = form.cleaned_data["undo"]
    to = None if undo else form.cleaned_data["status"]
    wanted = chosen(request.POST.getlist("incident"), to)
    comment = _("Taken back") if undo else form.cleaned_data["comment"]
    outcome = many.change_many(wanted, origin(request), comment)
    done = UNDONE if undo else DONE.get(to or "", DONE[""])
    texts = [done % {"number": len(outcome.changed)}] if outcome.changed or not outcome.refused else []
    return respond(request, texts, outcome, [] if undo else wanted)


def chosen(values: list[str], to: str | None) -> list[Wanted]:
    """Read the incidents that are chosen; what cannot be read is none, and to what has it, it is not set."""
    found = {}
    for value in values:
        if match := CHOSEN.fullmatch(value):
            status = match[3] or to
            found[int(match[1])] = Wanted(int(match[1]), Status(match[2]), Status(status) if status else None)
    return list(found.values())[: many.MAX_INCIDENTS]


def respond(request: HttpRequest, texts: list[str], outcome: Outcome, wanted: list[Wanted]) -> HttpResponse:
    """Respond with what was done, what undoes it, and for an open queue with the rows."""
    ids = [*outcome.changed, *outcome.refused]
    incidents = list(in_brief(Incident.objects.filter(pk__in=ids)))
    texts += [why_not(one) for one in incidents if one.pk in outcome.refused][:MAX_NAMED]
    if len(outcome.refused) > MAX_NAMED:
        texts.append(_("and %(number)d more") % {"number": len(outcome.refused) - MAX_NAMED})
    text = ", ".join(texts)
    if not HtmxDetails(request):
        messages.success(request, text)
        return redirect("web:queue")
    parameters = QueryDict(query_of_page(request))
    queue = Queue.of(parameters, user_of(request))
    context: dict[str, Any] = {
        "text": text,
        "rows": [row | {"says_status": True} for row in rows(request, queue, incidents, without(parameters))],
        "undo": [
            f"{one.id}.{one.status}.{one.seen}"
            for one in wanted
            if one.id in outcome.changed and one.status and one.status != one.seen
        ],
    }
    return render(request, "web/bulk_changed.html", context)


def why_not(incident: Incident) -> str:
    who = incident.assigned_to  # type: ignore[attr-defined]
    if incident.status == Status.IN_PROGRESS and who:
        return _("#%(id)s is with %(who)s already") % {"id": incident.pk, "who": who}
    return _("#%(id)s: %(status)s") % {"id": incident.pk, "status": incident.get_status_display()}
