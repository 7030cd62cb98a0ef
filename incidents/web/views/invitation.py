"""The page behind a one-time link, on which its user chooses a password."""

from datetime import timedelta
from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.forms import SetPasswordForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from users import people
from users.hashing_queue import TooManyAttempts, hashing_slot
from users.models import User
from users.throttle import Attempt


@sensitive_post_parameters()
def invitation(request: HttpRequest, pk: int, token: str) -> HttpResponseBase:
    """Show the form, or log in with the password that was chosen. The limits are those of logins."""
    try:
        response = within_limits(request, pk, token)
    except TooManyAttempts as error:
        context = {"retry_in": timedelta(seconds=error.retry_after)}
        response = render(request, "web/invitation.html", context, status=HTTPStatus.TOO_MANY_REQUESTS)
        response["Retry-After"] = str(error.retry_after)
    patch_cache_control(response, private=True, no_store=True)
    return response


@sensitive_variables("password")
def within_limits(request: HttpRequest, pk: int, token: str) -> HttpResponse:
    """Raises `TooManyAttempts`."""
    # No name of a user has a colon.
    attempt = Attempt(f"invitation:{pk}", request)
    attempt.check()
    user = User.objects.filter(pk=pk, is_active=True).first()
    if user is None or not people.link_tokens.check_token(user, token):
        attempt.reserve()
        return render(request, "web/invitation.html", status=HTTPStatus.GONE)
    form = SetPasswordForm(user, request.POST if request.method == "POST" else None)
    form.fields["new_password1"].help_text = ""
    if not form.is_valid():
        context = {"form": form, "invited": user}
        status = HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK
        return render(request, "web/invitation.html", context, status=status)
    password = form.cleaned_data["new_password1"]
    with hashing_slot(attempt.enter_queue()):
        attempt.reserve()
        chosen = people.choose_password(user, token, password)
    if not chosen:
        return render(request, "web/invitation.html", status=HTTPStatus.GONE)
    attempt.succeed()
    user.refresh_from_db()
    login(request, user)
    messages.success(request, _("The password is set. Welcome!"))
    return redirect("web:queue")
