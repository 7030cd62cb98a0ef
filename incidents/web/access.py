"""Access to the pages by role, and the viewer's time zone."""

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.cache import patch_cache_control

from incidents.models import Event
from incidents.services import Origin
from users.models import Action, User

ZONE_COOKIE = "timezone"
MAX_ZONE_LENGTH = 64
Rest = ParamSpec("Rest")
PageView = Callable[Concatenate[HttpRequest, Rest], HttpResponseBase]


def require_action(action: Action) -> Callable[[PageView[Rest]], PageView[Rest]]:
    """Call the view if the user of the session may do `action`; without a session redirect to the login."""

    def decorator(view: PageView[Rest]) -> PageView[Rest]:
        @login_required
        @functools.wraps(view)
        def wrapper(request: HttpRequest, /, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponseBase:
            if not user_of(request).may(action):
                raise PermissionDenied
            with timezone.override(zone_of(request)):
                response = view(request, *args, **kwargs)
            # Never stored for other users; the browser's back/forward cache still works.
            patch_cache_control(response, private=True, no_cache=True)
            return response

        return wrapper

    return decorator


def user_of(request: HttpRequest) -> User:
    """Return the user of the session, behind `login_required`."""
    assert isinstance(request.user, User)  # noqa: S101  # the session's own user
    return request.user


def origin(request: HttpRequest) -> Origin:
    return Origin(user_of(request).pk, Event.Channel.PAGE)


def zone_of(request: HttpRequest) -> ZoneInfo | None:
    """Read the viewer's time zone from the cookie that times.js sets; None means the configured one."""
    name = request.COOKIES.get(ZONE_COOKIE, "")
    if not name or len(name) > MAX_ZONE_LENGTH:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
