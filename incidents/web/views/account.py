"""A viewer's own account: password, theme, time zone, sessions."""

import functools
from http import HTTPStatus
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib import messages
from django.contrib.auth import authenticate, update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from incidents.web import preferences
from incidents.web.access import require_login, user_of


class OwnPasswordForm(PasswordChangeForm):
    def __init__(self, request: HttpRequest, data: Any = None) -> None:
        super().__init__(user_of(request), data)
        self.request = request
        self.fields["new_password1"].help_text = ""

    def clean_old_password(self) -> str:
        # By the backend, which limits guesses here as at the login.
        old = self.cleaned_data["old_password"]
        if authenticate(self.request, username=self.user.get_username(), password=old) != self.user:
            raise forms.ValidationError(self.error_messages["password_incorrect"])
        return str(old)


class ZoneForm(forms.Form):
    zone = forms.ChoiceField(label=gettext_lazy("Time zone"), required=False)

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["zone"].choices = [("", _("as in the browser")), *zones()]  # type: ignore[attr-defined]


@functools.cache
def zones() -> list[tuple[str, str]]:
    return [(name, name) for name in sorted(available_timezones()) if "/" in name and name[0].isupper()]


@sensitive_post_parameters()
@require_login
def password(request: HttpRequest) -> HttpResponseBase:
    form = OwnPasswordForm(request, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        update_session_auth_hash(request, form.save())
        messages.success(request, _("The password is changed. The tokens of this user are no longer valid."))
        return redirect("web:queue")
    return form_page(request, form, _("Change the password"), _("Change the password"))


@require_login
def zone(request: HttpRequest) -> HttpResponseBase:
    chosen = preferences.chosen_zone(request)
    form = ZoneForm(request.POST if request.method == "POST" else None, initial={"zone": chosen})
    if request.method == "POST" and form.is_valid():
        response = redirect("web:queue")
        preferences.keep(response, request, preferences.CHOSEN_ZONE_COOKIE, form.cleaned_data["zone"])
        return response
    return form_page(request, form, _("Time zone"), _("Save"))


@require_POST
@require_login
def set_theme(request: HttpRequest) -> HttpResponseBase:
    there = request.POST.get("next", "")
    response = redirect(there if url_has_allowed_host_and_scheme(there, None) else "web:queue")
    if (theme := request.POST.get("theme")) in preferences.THEMES:
        preferences.keep(response, request, preferences.THEME_COOKIE, theme or "")
    return response


@require_POST
@require_login
def end_sessions(request: HttpRequest) -> HttpResponseBase:
    """End the user's sessions in all other browsers."""
    user = user_of(request)
    user.end_sessions()
    update_session_auth_hash(request, user)
    messages.success(request, _("All other sessions are ended."))
    return redirect("web:queue")


def form_page(request: HttpRequest, form: Any, title: str, submit: str) -> HttpResponse:
    context = {"form": form, "title": title, "submit": submit}
    status = HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK
    return render(request, "web/form.html", context, status=status)
