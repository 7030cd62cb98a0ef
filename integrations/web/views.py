"""The page "Connections": administrators connect monitoring systems and see what they send.

A token is shown by the response that made it and by no other: only its digest is stored.
"""

from http import HTTPStatus
from typing import Any

from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from common.http import hosts
from incidents.models import UNFINISHED, Incident
from incidents.web.access import require_superuser
from integrations import services, silent_senders
from integrations.models import Integration, Kind
from integrations.outbound.models import Transport
from integrations.received_posts import MAX_POSTS
from integrations.setup_texts import setup_texts
from integrations.web.forms import ConnectForm, SettingsForm
from integrations.web.summaries import Dispatcher, summaries

# Stands in the texts for a token that is known no more.
TOKEN_PLACEHOLDER = "TOKEN"  # noqa: S105


@require_superuser
def overview(request: HttpRequest) -> HttpResponseBase:
    silent_senders.step()
    integrations = Integration.objects.annotate(posts_kept=Count("posts"))
    context = {
        "integrations": integrations,
        "kinds": Kind.choices,
        "destinations": summaries(),
        "transports": Transport.choices,
        "dispatcher": Dispatcher.now(),
    }
    return render(request, "integrations/overview.html", context)


@require_superuser
def connect(request: HttpRequest, kind: str) -> HttpResponseBase:
    """Connect a sender of the kind; the response to the form is the only one with its token."""
    if kind not in Kind.values:
        raise Http404
    integration = Integration(kind=kind, name=free_name(str(Kind(kind).label)))
    form = ConnectForm(request.POST if request.method == "POST" else None, instance=integration)
    if request.method == "POST" and form.is_valid():
        try:
            token = services.connect(integration)
        except services.ConnectionProblem as problem:
            form.add_error("name", str(problem))
        else:
            return integration_page(request, integration, token=token, status=HTTPStatus.CREATED)
    status = HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK
    context = {"form": form, "kind": Kind(kind)}
    return render(request, "integrations/connect.html", context, status=status)


def free_name(name: str) -> str:
    """Return the name, with a number if it is taken."""
    number, free = 1, name
    while True:
        try:
            services.check_is_free(free)
        except services.NameTaken:
            number += 1
            free = f"{name} {number}"
        else:
            return free


@require_superuser
def integration(request: HttpRequest, pk: int) -> HttpResponseBase:
    silent_senders.step()
    found = get_object_or_404(Integration, pk=pk)
    if request.method != "POST":
        return integration_page(request, found)
    form = SettingsForm(request.POST, instance=found)
    if form.is_valid():
        try:
            services.save(found)
        except services.ConnectionProblem as problem:
            form.add_error("name", str(problem))
        else:
            return redirect("connections:integration", pk)
    # The form has already put its values into the object.
    unchanged = Integration.objects.get(pk=pk)
    return integration_page(request, unchanged, form=form, status=HTTPStatus.BAD_REQUEST)


def integration_page(
    request: HttpRequest, found: Integration, *, status: HTTPStatus = HTTPStatus.OK, **more: Any
) -> HttpResponse:
    token = more.get("token", "")
    context = {
        "integration": found,
        "form": SettingsForm(instance=found),
        "texts": setup_texts(Kind(found.kind), hosts.public_url(request), token or TOKEN_PLACEHOLDER),
        **posts_of(found),
        **more,
    }
    return render(request, "integrations/integration.html", context, status=status)


@require_superuser
def posts(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show the part of the page that changes with each post: the page asks for it every few seconds."""
    found = get_object_or_404(Integration, pk=pk)
    return render(request, "integrations/posts.html", {"integration": found, **posts_of(found)})


def posts_of(found: Integration) -> dict[str, Any]:
    reported = Incident.objects.filter(created_by=found.user_id)
    counts = reported.aggregate(all=Count("id"), active=Count("id", filter=Q(status__in=UNFINISHED)))
    return {"posts": found.posts.order_by("-id")[:MAX_POSTS], "counts": counts}


@require_POST
@require_superuser
def rotate(request: HttpRequest, pk: int) -> HttpResponseBase:
    found = get_object_or_404(Integration, pk=pk)
    return integration_page(request, found, token=services.rotate(found))


@require_POST
@require_superuser
def switch(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Switch the connection on or off, as the button that was pressed says."""
    found = get_object_or_404(Integration, pk=pk)
    found.enabled = request.POST.get("enabled") == "true"
    services.save(found)
    return redirect("connections:integration", pk)
