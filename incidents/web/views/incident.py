"""One incident: its text, its history, and what may be done with it."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.db import Error
from django.db.models.functions import Left
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django_htmx.middleware import HtmxDetails

from common.db import errors as db_errors
from incidents import assignees, corrections, services
from incidents.models import UNFINISHED, Episode, Event, Incident, Status
from incidents.services import Origin
from incidents.transition import KEEP
from incidents.web import change_token
from incidents.web.access import origin, require_action, user_of
from incidents.web.filters import with_order, without
from incidents.web.forms import ChangeForm, CorrectionForm
from incidents.web.place import described, place
from incidents.web.queue import BRIEF_LENGTH, Queue, in_brief
from incidents.web.rows import latest_turns, rows, state
from incidents.web.views.polling import to_id
from users.models import User
from users.roles import Action

MAX_EVENTS = 100
UNDO_WITHIN = timedelta(seconds=15)
VERBS = {
    Status.OPEN: pgettext_lazy("verb", "Open again"),
    Status.IN_PROGRESS: pgettext_lazy("verb", "Take"),
    Status.RESOLVED: pgettext_lazy("verb", "Resolve"),
    Status.CLOSED: pgettext_lazy("verb", "Close"),
    Status.CANCELLED: pgettext_lazy("verb", "Cancel"),
    Status.FAKE: pgettext_lazy("verb", "False alarm"),
    Status.UNKNOWN: pgettext_lazy("verb", "Unknown"),
}
HINTS = {
    Status.OPEN: pgettext_lazy("hint", "it waits again"),
    Status.IN_PROGRESS: pgettext_lazy("hint", "I am on it"),
    Status.RESOLVED: pgettext_lazy("hint", "the work is done"),
    Status.CLOSED: pgettext_lazy("hint", "checked, we are through with it"),
    Status.CANCELLED: pgettext_lazy("hint", "no longer needed"),
    Status.FAKE: pgettext_lazy("hint", "there was nothing"),
    Status.UNKNOWN: pgettext_lazy("hint", "nobody can find out"),
}
GIVE_BACK = pgettext_lazy("verb", "Give back to the queue")
DONE = {
    Status.OPEN: gettext_lazy("#%(id)d is in the queue again"),
    Status.IN_PROGRESS: gettext_lazy("#%(id)d is taken"),
    Status.RESOLVED: gettext_lazy("#%(id)d is resolved"),
    Status.CLOSED: gettext_lazy("#%(id)d is closed"),
    Status.CANCELLED: gettext_lazy("#%(id)d is cancelled"),
    Status.FAKE: gettext_lazy("#%(id)d is a false alarm"),
    Status.UNKNOWN: gettext_lazy("#%(id)d has an unknown outcome"),
}
# The most frequent next statuses, whose buttons come first.
LIKELY_NEXT = {
    Status.OPEN: (Status.IN_PROGRESS, Status.RESOLVED, Status.FAKE),
    Status.IN_PROGRESS: (Status.RESOLVED, Status.CLOSED, Status.FAKE),
    Status.RESOLVED: (Status.CLOSED, Status.OPEN),
    Status.UNKNOWN: (Status.OPEN, Status.IN_PROGRESS),
}


@require_action(Action.LIST)
def incident(request: HttpRequest, pk: int) -> HttpResponse:
    return incident_page(request, pk)


@require_action(Action.UPDATE)
def change(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Set a status, add a comment, or both; a status that changed meanwhile is shown, not overwritten."""
    if request.method != "POST":
        # A login leads here when the session had ended before the form was sent.
        return redirect("web:incident", pk)
    form = ChangeForm(request.POST)
    status = carry_out(form, pk, origin(request))
    if HtmxDetails(request).target in {f"incident-{pk}", "undo"}:
        try:
            return row_in_queue(request, pk, form, status)
        except Error as error:
            if status != HTTPStatus.OK or not db_errors.is_transient(error):
                raise
            # The change is committed, so no error: the row follows with the next changes.
            return HttpResponse(status=HTTPStatus.NO_CONTENT)
    if status != HTTPStatus.OK:
        return incident_page(request, pk, form, status)
    if value := form.cleaned_data["status"]:
        messages.success(
            request, _("Incident #%(id)d: %(status)s") % {"id": pk, "status": Status(value).label}
        )
    return back_to(request, pk)


@require_action(Action.UPDATE)
def assign(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Hand the incident over to the user who is named, or give it back."""
    if request.method != "POST":
        return redirect("web:incident", pk)
    try:
        if "give_back" in request.POST:
            services.change(pk, origin(request), assignee=None)
        else:
            to = assignees.assignee_id(request.POST.get("assignee", ""))
            services.change(pk, origin(request), assignee=to)
    except services.IncidentNotFound:
        raise Http404 from None
    except assignees.AssigneeNotKnown:
        messages.error(request, _("Assignee is not known"))
    except services.HistoryFull:
        messages.error(request, _("This incident has too many events, report a new one."))
    return back_to(request, pk)


def back_to(request: HttpRequest, pk: int) -> HttpResponse:
    """Redirect to the incident's page, with the queue from which it was opened."""
    return redirect(resolve_url("web:incident", pk) + without(request.GET, "before"))


def carry_out(form: ChangeForm, pk: int, by: Origin) -> HTTPStatus:
    """Change the incident as the form says, give the form its errors, return the response's status."""
    if not form.is_valid():
        return HTTPStatus.BAD_REQUEST
    value = form.cleaned_data["status"]
    try:
        services.change(
            pk,
            by,
            status=Status(value) if value else None,
            # A comment alone overwrites nothing.
            expected_status=Status(form.cleaned_data["seen"]) if value else None,
            comment=_("Taken back") if form.cleaned_data["undo"] else form.cleaned_data["comment"],
            # What goes back to the queue is nobody's.
            assignee=None if value == Status.OPEN else KEEP,
        )
    except services.IncidentNotFound:
        raise Http404 from None
    except services.StaleStatus:
        return HTTPStatus.CONFLICT
    except services.KeyIsActive as error:
        form.add_error(
            None, _("Incident #%(id)d is about the same and is not finished.") % {"id": error.incident_id}
        )
        return HTTPStatus.BAD_REQUEST
    except services.HistoryFull:
        form.add_error(None, _("This incident has too many events, report a new one."))
        return HTTPStatus.BAD_REQUEST
    return HTTPStatus.OK


def incident_page(
    request: HttpRequest, pk: int, form: ChangeForm | None = None, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    newest = change_token.newest_event_id()
    found = get_object_or_404(
        Incident.objects.select_related("created_by", "assignee").defer("search_text"), pk=pk
    )
    before = to_id(request.GET.get("before", ""))
    may_update = user_of(request).may(Action.UPDATE)
    events, has_earlier = history(found, before)
    parameters = with_order(request)
    beside = place(Queue.of(parameters, user_of(request)), found, former_status(events))
    finished = found.status not in UNFINISHED
    since = latest_turns([found]).get(pk, found.created_at)
    reported = Event.objects.filter(incident=found, kind=Event.Kind.CREATED).order_by("id").first()
    context = {
        "incident": found,
        "events": events,
        "earlier_than": events[0].pk if has_earlier else None,
        "is_newest": before is None,
        "came_from": described(request.GET),
        "place": beside,
        "next": first_line(beside.next) if finished and beside.next else None,
        "state": state(found, since, user_of(request)),
        "is_taken": found.status == Status.IN_PROGRESS,
        "reported": reported,
        "correction": correction(found, reported, user_of(request)),
        "form": form or ChangeForm(),
        "conflict": events[-1] if status == HTTPStatus.CONFLICT and events else None,
        "choices": choices(Status(found.status)),
        "undo": undo(user_of(request), events) if before is None else None,
        "may_update": may_update,
        "assignees": assignees.possible() if may_update else (),
        "episode": Episode.objects.filter(incident=found).first() if found.dedup_key else None,
        "newest_event": newest,
        "change_token": change_token.token_for(newest),
    }
    return render(request, "web/incident.html", context, status=status)


def former_status(events: list[Event]) -> str:
    """Return the status before the newest change of it, "" without one."""
    return next((one.status_from for one in reversed(events) if one.status_from != one.status_to), "")


def first_line(incident: Incident) -> dict[str, Any]:
    text = Incident.objects.values_list(Left("description", BRIEF_LENGTH), flat=True).get(pk=incident.pk)
    return {"pk": incident.pk, "text": text.partition("\n")[0]}


def correction(incident: Incident, reported: Event | None, user: User) -> CorrectionForm | None:
    """Return the form that corrects the text, for its reporter while that is possible."""
    if not corrections.may_correct(reported, user.pk):
        return None
    return CorrectionForm(initial={"incident": incident.description}, auto_id="correct_%s")


def history(incident: Incident, before: int | None) -> tuple[list[Event], bool]:
    """Return the newest events (before the event `before`, if given), and whether there are earlier ones."""
    events = Event.objects.filter(incident=incident).select_related("by", "assignee").order_by("-id")
    if before is not None:
        events = events.filter(id__lt=before)
    found = list(events[: MAX_EVENTS + 1])
    return found[:MAX_EVENTS][::-1], len(found) > MAX_EVENTS


def undo(user: User, events: list[Event]) -> dict[str, Any] | None:
    """Describe how to undo the newest change of the status, if it is this user's and a few seconds old."""
    newest = events[-1]
    change = next(
        (one for one in events if one.at == newest.at and one.kind == Event.Kind.STATUS_CHANGED), None
    )
    if change is None or change.by_id != user.pk or timezone.now() - change.at > UNDO_WITHIN:
        return None
    return {
        "incident": change.incident_id,
        "text": DONE[Status(change.status_to)] % {"id": change.incident_id},
        "seen": change.status_to,
        "status": change.status_from,
    }


def query_of_page(request: HttpRequest) -> str:
    """Return the query of the page that sent the request, "" for what is no URL: the change is stored."""
    try:
        return urlsplit(HtmxDetails(request).current_url or "").query
    except ValueError:
        return ""


def row_in_queue(request: HttpRequest, pk: int, form: ChangeForm, status: HTTPStatus) -> HttpResponse:
    """Respond with the row and what undoes the change, for the open queue from which htmx sent it."""
    found = get_object_or_404(in_brief(Incident.objects.all()), pk=pk)
    events, _has_earlier = history(found, None)
    parameters = QueryDict(query_of_page(request))
    queue = Queue.of(parameters, user_of(request))
    [row] = rows(request, queue, [found], without(parameters))
    context = {
        "row": row | {"says_status": True},
        "errors": form.non_field_errors(),
        "conflict": events[-1] if status == HTTPStatus.CONFLICT else None,
        "undo": undo(user_of(request), events),
        "in_queue": True,
        "by_undo": HtmxDetails(request).target == "undo",
    }
    return render(request, "web/row_changed.html", context, status=status)


def choices(present: Status) -> list[dict[str, Any]]:
    """Describe the button of each other status: value, verb, key, and whether it is a likely next one."""
    likely = LIKELY_NEXT.get(present, (Status.OPEN,))
    keys = {status: number for number, status in enumerate(Status, start=1)}
    others = [status for status in Status if status != present and status not in likely]
    return [
        {
            "status": status,
            "verb": verb(present, status),
            "hint": HINTS[status],
            "key": keys[status],
            "likely": status in likely,
        }
        for status in (*likely, *others)
    ]


def verb(present: Status, status: Status) -> Promise:
    return GIVE_BACK if (present, status) == (Status.IN_PROGRESS, Status.OPEN) else VERBS[status]
