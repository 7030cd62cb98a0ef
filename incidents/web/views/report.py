"""The form that reports an incident."""

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from incidents import services
from incidents.models import Source
from incidents.services import NewIncident
from incidents.web.access import origin, require_action, user_of
from incidents.web.forms import ReportForm
from users.roles import Action


@require_action(Action.CREATE)
def report(request: HttpRequest) -> HttpResponseBase:
    """Report an incident; the same form sent again reports no second one."""
    if request.method != "POST":
        return form_page(request, ReportForm(initial={"idempotency_key": new_key()}))
    form = ReportForm(request.POST)
    if not form.is_valid():
        return form_page(request, form, status=400)
    asked = form.cleaned_data
    new = NewIncident(
        description=asked["incident"],
        source=Source(asked["source"]),
        created_at=asked["date"],
        idempotency_key=asked["idempotency_key"] or None,
    )
    try:
        created = services.create(new, origin(request))
    except services.IdempotencyKeyReused:
        form = ReportForm(request.POST.dict() | {"idempotency_key": new_key()})
        form.add_error(None, _("This form has been sent before. Send it again to report another incident."))
        return form_page(request, form, status=409)
    messages.success(request, _("Incident #%(id)d is reported") % {"id": created.id})
    if user_of(request).may(Action.LIST):
        target = resolve_url("web:incident", created.id)
    else:
        target = resolve_url("web:report")
    # Another page, so a script shall load it as a whole.
    return HttpResponseClientRedirect(target) if HtmxDetails(request) else redirect(target)


def form_page(request: HttpRequest, form: ReportForm, status: int = 200) -> HttpResponse:
    first = next((field for field in form if field.errors), form["incident"])
    first.field.widget.attrs["autofocus"] = True
    return render(request, "web/report.html", {"form": form}, status=status)


def new_key() -> str:
    return f"page-{uuid.uuid4()}"
