"""Destinations on the page "Connections": who is told of events, and what became of it.

A webhook's secret is shown by the response that made it and by no other.
"""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_htmx.middleware import HtmxDetails

from incidents.web.access import require_superuser
from incidents.web.preferences import zone_of
from integrations.outbound import destinations
from integrations.outbound.direct_messages import MAX_SECONDS, request_test
from integrations.outbound.models import Destination, SendingTest, Transport
from integrations.web.deliveries import page_of
from integrations.web.destination_form import DestinationForm, SinceForm
from integrations.web.summaries import Dispatcher, summary


@require_superuser
def add(request: HttpRequest, transport: str) -> HttpResponseBase:
    """Add a destination; the response to the form is the only one with its secret."""
    if transport not in Transport.values:
        raise Http404
    kind = Transport(transport)
    zone = zone_of(request)
    blank = Destination(
        transport=kind,
        name=free_name(str(kind.label)),
        time_zone=zone.key if zone else "",
        language=get_language(),
    )
    form = DestinationForm(request.POST if request.method == "POST" else None, instance=blank)
    if request.method == "POST" and form.is_valid():
        try:
            made, secret = destinations.add(transport=kind, **form.fields_given())
        except ValidationError as error:
            form.add_errors(error)
        else:
            return destination_page(request, made, secret=secret, status=HTTPStatus.CREATED)
    status = HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK
    context = {"form": form, "transport": kind}
    return render(request, "integrations/add_destination.html", context, status=status)


def free_name(name: str) -> str:
    """Return the name, with a number if it is taken."""
    taken = set(Destination.objects.values_list("name", flat=True))
    names = (name, *(f"{name} {number}" for number in range(2, len(taken) + 3)))
    return next(one for one in names if one not in taken)


@require_superuser
def destination(request: HttpRequest, pk: int) -> HttpResponseBase:
    found = get_object_or_404(Destination, pk=pk)
    if request.method != "POST":
        return destination_page(request, found)
    form = DestinationForm(request.POST, instance=found)
    if form.is_valid():
        try:
            destinations.change(found, **form.fields_given())
        except ValidationError as error:
            form.add_errors(error)
        else:
            messages.success(request, _("Saved."))
            return redirect("connections:destination", pk)
    # The form has already put its values into the object.
    unchanged = Destination.objects.get(pk=pk)
    return destination_page(request, unchanged, form=form, status=HTTPStatus.BAD_REQUEST)


def destination_page(
    request: HttpRequest, found: Destination, *, status: HTTPStatus = HTTPStatus.OK, **more: Any
) -> HttpResponse:
    dispatcher = Dispatcher.now()
    context = {
        "destination": found,
        "summary": summary(found),
        "form": DestinationForm(instance=found),
        "since": SinceForm(initial={"since": timezone.now() - timedelta(days=1)}),
        "page": page_of(found, request.GET, is_running=dispatcher.runs),
        "rotates": found.transport == Transport.WEBHOOK,
        **test_of(found, dispatcher),
        **more,
    }
    return render(request, "integrations/destination.html", context, status=status)


def test_of(found: Destination, dispatcher: Dispatcher) -> dict[str, Any]:
    """Return the last test, and whether its result is still awaited."""
    asked = SendingTest.objects.filter(destination=found).first()
    patience = timedelta(seconds=MAX_SECONDS)
    awaited = (
        asked is not None
        and asked.finished_at is None
        and asked.requested_at > timezone.now() - patience
        and dispatcher.runs
    )
    return {"test": asked, "awaited": awaited, "dispatcher": dispatcher, "max_seconds": MAX_SECONDS}


@require_superuser
def test(request: HttpRequest, pk: int) -> HttpResponseBase:
    """POST has the dispatcher send a test; the page polls for its result, so that no thread waits for it."""
    found = get_object_or_404(Destination, pk=pk)
    if request.method == "POST":
        request_test(found)
    if not HtmxDetails(request):
        return redirect(f"{reverse('connections:destination', args=[pk])}#test")
    context = {"destination": found, **test_of(found, Dispatcher.now())}
    return render(request, "integrations/test.html", context)


@require_POST
@require_superuser
def switch(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Disable or enable it, as the button that was pressed says."""
    found = get_object_or_404(Destination, pk=pk)
    if request.POST.get("enabled") == "true":
        destinations.enable(found)
    else:
        destinations.disable(found)
    return redirect("connections:destination", pk)


@require_POST
@require_superuser
def rotate(request: HttpRequest, pk: int) -> HttpResponseBase:
    found = get_object_or_404(Destination, pk=pk, transport=Transport.WEBHOOK)
    secret = destinations.rotate(found)
    found.refresh_from_db()
    return destination_page(request, found, secret=secret)


@require_POST
@require_superuser
def delete(_request: HttpRequest, pk: int) -> HttpResponseBase:
    destinations.delete(get_object_or_404(Destination, pk=pk))
    return redirect("connections:overview")


@require_POST
@require_superuser
def resend(request: HttpRequest, pk: int, delivery: int) -> HttpResponseBase:
    found = get_object_or_404(Destination, pk=pk)
    get_object_or_404(found.deliveries, pk=delivery)
    say_how_many(request, int(destinations.resend(delivery)))
    return redirect(f"{reverse('connections:destination', args=[pk])}#deliveries")


@require_POST
@require_superuser
def resend_failed(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Send again what was given up since the time of the form, which is in the viewer's time zone."""
    found = get_object_or_404(Destination, pk=pk)
    form = SinceForm(request.POST)
    if not form.is_valid():
        return destination_page(request, found, since=form, status=HTTPStatus.BAD_REQUEST)
    since: datetime = form.cleaned_data["since"]
    say_how_many(request, destinations.resend_failed(found, since))
    return redirect(f"{reverse('connections:destination', args=[pk])}#deliveries")


def say_how_many(request: HttpRequest, count: int) -> None:
    text = ngettext("%(count)d delivery is sent again.", "%(count)d deliveries are sent again.", count)
    messages.success(request, text % {"count": count})
