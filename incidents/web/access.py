"""Access to the pages by session and role."""

import functools
from collections.abc import Callable
from http import HTTPStatus
from typing import Concatenate, ParamSpec

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.core.exceptions import PermissionDenied
from django.db import Error
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django_htmx.middleware import HtmxDetails

from incidents.models import Event
from incidents.services import Origin
from incidents.web import preferences
from incidents.web.forms import LoginForm
from users.models import User
from users.roles import Action

RENEWED_ON = "renewed_on"
# What an open page asks by itself is no use of the session.
POLLED = {"web:change_token", "web:changes"}
Rest = ParamSpec("Rest")
PageView = Callable[Concatenate[HttpRequest, Rest], HttpResponseBase]


def require_login(view: PageView[Rest]) -> PageView[Rest]:
    """Call the view with a session, which is renewed, in the user's time zone; without one ask for a login.

    A page is redirected to the login. A script would take the login page for what it asked for, so its
    requests get 401 and the dialog to log in.
    """

    @functools.wraps(view)
    def wrapper(request: HttpRequest, /, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponseBase:
        if request.user.is_authenticated:
            if view_name(request) not in POLLED:
                renew(request.session, user_of(request))
            with timezone.override(preferences.zone_of(request)):
                return view(request, *args, **kwargs)
        if is_of_script(request):
            return login_dialog(request, LoginForm(request), HTTPStatus.UNAUTHORIZED)
        return redirect_to_login(request.get_full_path())

    return wrapper


def is_of_script(request: HttpRequest) -> bool:
    """Tell whether a script of an open page sends the request, rather than a person who follows a link."""
    return bool(HtmxDetails(request)) or view_name(request) == "web:changes"


def view_name(request: HttpRequest) -> str:
    return request.resolver_match.view_name if request.resolver_match else ""


def login_dialog(request: HttpRequest, form: AuthenticationForm, status: HTTPStatus) -> HttpResponse:
    # The name is filled in by the page.
    form.fields["username"].widget.attrs.pop("autofocus", None)
    form.fields["password"].widget.attrs["autofocus"] = True
    response = render(request, "web/login_dialog.html", {"form": form}, status=status)
    patch_cache_control(response, no_store=True)
    return response


def renew(session: SessionBase, user: User) -> None:
    """Let a session in use last for SESSION_COOKIE_AGE from today, if that can be stored."""
    now = timezone.now()
    today = now.date().isoformat()
    if session.get(RENEWED_ON) == today:
        return
    session[RENEWED_ON] = today
    try:
        session.save()
        User.objects.filter(pk=user.pk).update(last_seen_at=now)
    except (Error, UpdateError):
        # Nobody can write, or the session was deleted meanwhile: the middleware would fail in the same way.
        session.modified = False


def require_action(action: Action) -> Callable[[PageView[Rest]], PageView[Rest]]:
    """Call the view if the user of the session may do `action`."""

    def decorator(view: PageView[Rest]) -> PageView[Rest]:
        @require_login
        @functools.wraps(view)
        def wrapper(request: HttpRequest, /, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponseBase:
            if not user_of(request).may(action):
                raise PermissionDenied
            response = view(request, *args, **kwargs)
            # Never stored for other users; the browser's back/forward cache still works.
            patch_cache_control(response, private=True, no_cache=True)
            return response

        return wrapper

    return decorator


def require_superuser(view: PageView[Rest]) -> PageView[Rest]:
    """Call the view for a superuser; its response is never stored."""

    @require_login
    @functools.wraps(view)
    def wrapper(request: HttpRequest, /, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponseBase:
        if not user_of(request).is_superuser:
            raise PermissionDenied
        response = view(request, *args, **kwargs)
        patch_cache_control(response, private=True, no_store=True)
        return response

    return wrapper


def user_of(request: HttpRequest) -> User:
    """Return the user of the session, behind `require_login`."""
    assert isinstance(request.user, User)  # noqa: S101  # the session's own user
    return request.user


def origin(request: HttpRequest) -> Origin:
    return Origin(user_of(request).pk, Event.Channel.PAGE)
