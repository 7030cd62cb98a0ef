"""The form that reports an incident, and the correction of its text."""

import uuid
from dataclasses import replace

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from incidents import client_keys, corrections, services
from incidents.models import Source, Status
from incidents.services import Created, NewIncident
from incidents.web import preferences
from incidents.web.access import origin, require_action, user_of
from incidents.web.forms import CorrectionForm, ReportForm
from incidents.web.similar import similar
from users.roles import Action


@require_action(Action.CREATE)
def report(request: HttpRequest) -> HttpResponseBase:
    """Report an incident; the same form sent again reports no second one."""
    if request.method != "POST":
        source = request.COOKIES.get(preferences.SOURCE_COOKIE, "")
        initial = {"idempotency_key": new_key()} | ({"source": source} if source in Source.values else {})
        return form_page(request, ReportForm(initial=initial))
    form = ReportForm(request.POST)
    if not form.is_valid():
        return form_page(request, form, status=400)
    try:
        created = create(request, form)
    except services.IdempotencyKeyReused:
        form = ReportForm(request.POST.dict() | {"idempotency_key": new_key()})
        form.add_error(None, _("This form has been sent before. Send it again to report another incident."))
        return form_page(request, form, status=409)
    say_more(request, form, created.id)
    response = respond(request, created.id)
    preferences.keep(response, request, preferences.SOURCE_COOKIE, form.cleaned_data["source"])
    return response


def create(request: HttpRequest, form: ReportForm) -> Created:
    """Raises `IdempotencyKeyReused`."""
    asked = form.cleaned_data
    new = NewIncident(
        description=asked["incident"],
        source=Source(asked["source"]),
        created_at=form.created_at(),
        idempotency_key=asked["idempotency_key"] or None,
    )
    try:
        return services.create(new, origin(request))
    except services.IdempotencyKeyReused:
        earlier = client_keys.made_with(new.idempotency_key, user_of(request).pk)
        if earlier is None or not form.is_relative:
            raise
        # What was a quarter of an hour ago at the first try is so no longer.
        return services.create(replace(new, created_at=earlier.created_at), origin(request))


def say_more(request: HttpRequest, form: ReportForm, pk: int) -> None:
    """Add who told it, and take the incident, if that was asked for; once, however often the form is sent."""
    contact = form.cleaned_data["contact"]
    takes = "take" in request.POST and user_of(request).may(Action.UPDATE)
    if not contact and not takes:
        return
    key = form.cleaned_data["idempotency_key"]
    services.change(
        pk,
        origin(request),
        status=Status.IN_PROGRESS if takes else None,
        comment=_("Told by: %(contact)s") % {"contact": contact} if contact else "",
        idempotency_key=key or None,
    )


def respond(request: HttpRequest, pk: int) -> HttpResponse:
    text = _("Incident #%(id)d is reported") % {"id": pk}
    if user_of(request).may(Action.LIST):
        again = _("Report another")
        messages.success(request, format_html('{} · <a href="{}">{}</a>', text, reverse("web:report"), again))
        target = resolve_url("web:incident", pk)
    else:
        messages.success(request, text)
        target = resolve_url("web:report")
    # Another page, so a script shall load it as a whole.
    return HttpResponseClientRedirect(target) if HtmxDetails(request) else redirect(target)


def form_page(request: HttpRequest, form: ReportForm, status: int = 200) -> HttpResponse:
    first = next((field for field in form if field.errors), form["incident"])
    first.field.widget.attrs["autofocus"] = True
    return render(request, "web/report.html", {"form": form}, status=status)


def new_key() -> str:
    return f"page-{uuid.uuid4()}"


@require_POST
@require_action(Action.LIST)
def similar_ones(request: HttpRequest) -> HttpResponse:
    """Show the active incidents that may be what is being typed."""
    text = request.POST.get("incident", "")[:1000]
    return render(request, "web/similar.html", {"similar": similar(text)})


@require_action(Action.LIST)
def correct(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Replace the text of an incident that the user has just reported."""
    form = CorrectionForm(request.POST)
    if request.method == "POST":
        try:
            if form.is_valid():
                note = _("The text is corrected. It was:")
                corrections.correct(pk, form.cleaned_data["incident"], note, origin(request))
            for error in form.errors.get("incident", []):
                messages.error(request, str(error))
        except services.IncidentNotFound:
            raise Http404 from None
        except corrections.TooLate:
            messages.error(request, _("The text can be corrected for 15 minutes by who reported it."))
        except services.HistoryFull:
            messages.error(request, _("This incident has too many events, report a new one."))
    return redirect("web:incident", pk)
