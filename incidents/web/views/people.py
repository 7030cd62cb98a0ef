"""The page "People": superusers invite others, give them roles, and switch them off."""

from http import HTTPStatus
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.forms import UsernameField
from django.db.models import Max, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from common.http import hosts
from incidents.web.access import require_superuser, user_of
from users import people
from users.models import User

MAX_PEOPLE = 1000
LAST_SUPERUSER = gettext_lazy("This is the last active administrator. Make another one first.")


class InvitationForm(forms.ModelForm):  # type: ignore[type-arg]  # no generic class at run time
    role = forms.ChoiceField(label=gettext_lazy("role"), choices=people.ROLES)

    class Meta:
        model = User
        fields = ["username"]
        field_classes = {"username": UsernameField}
        help_texts = {"username": None}


def all_people() -> QuerySet[User]:
    # The user of a connection has the connection's page.
    return User.objects.filter(integration__isnull=True)


@require_superuser
def overview(request: HttpRequest) -> HttpResponseBase:
    """List all people; a POST invites one."""
    form = InvitationForm(request.POST if request.method == "POST" else None, initial={"role": "operator"})
    if request.method == "POST" and form.is_valid():
        invited = people.invite(form.cleaned_data["username"], form.cleaned_data["role"], user_of(request))
        return person_page(request, invited, link=link_for(request, invited), status=HTTPStatus.CREATED)
    known = (
        all_people().annotate(token_used_at=Max("tokens__last_used_at")).order_by("-is_active", "username")
    )
    rows = [describe(user) for user in known[:MAX_PEOPLE]]
    status = HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK
    return render(request, "web/people.html", {"form": form, "rows": rows}, status=status)


def describe(user: Any) -> dict[str, Any]:
    seen = [at for at in (user.last_login, user.last_seen_at, user.token_used_at) if at]
    return {
        "user": user,
        "role": dict(people.ROLES)[people.role_of(user)],
        "seen_at": max(seen, default=None),
        "is_invited": not user.has_usable_password(),
    }


@require_superuser
def person(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show one of them; a POST gives the `role` or sets `active`."""
    found = get_object_or_404(all_people(), pk=pk)
    if request.method != "POST":
        return person_page(request, found)
    by = user_of(request)
    try:
        if request.POST.get("role") in dict(people.ROLES):
            people.change_role(found, request.POST["role"], by)
        elif request.POST.get("active") == "false":
            people.deactivate(found, by)
        elif request.POST.get("active") == "true":
            people.activate(found, by)
    except people.LastSuperuser:
        messages.error(request, LAST_SUPERUSER)
    else:
        messages.success(request, _("Saved"))
    return redirect("web:person", pk)


@require_POST
@require_superuser
def link(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Respond with a new link to choose a password; nothing else ever shows it."""
    found = get_object_or_404(all_people(), pk=pk, is_active=True)
    return person_page(request, found, link=link_for(request, found))


def link_for(request: HttpRequest, user: User) -> str:
    path = reverse("web:invitation", args=[user.pk, people.link_tokens.make_token(user)])
    return hosts.public_url(request) + path


def person_page(
    request: HttpRequest, found: User, *, link: str = "", status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    context = {
        "person": found,
        "roles": people.ROLES,
        "role": people.role_of(found),
        "is_invited": not found.has_usable_password(),
        "link": link,
        "link_days": settings.PASSWORD_RESET_TIMEOUT // 86400,
    }
    return render(request, "web/person.html", context, status=status)
