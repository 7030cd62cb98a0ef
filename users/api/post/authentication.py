"""The user of a POST call, by the token in the body, and the check of the role."""

import functools
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from api.post.envelope import ApiError, Body, PostView
from users import tokens
from users.models import User
from users.roles import Action

UserView = Callable[[User, Body], HttpResponseBase]


def require_action(action: Action) -> Callable[[UserView], PostView]:
    """Call the view with the user of the token, who must have a role that may do `action`: 403."""

    def decorator(view: UserView) -> PostView:
        @functools.wraps(view)
        def wrapper(_request: HttpRequest, body: Body) -> HttpResponseBase:
            user = authenticated(body)
            if not user.may(action):
                raise ApiError(403, "Permission denied")
            return view(user, body)

        return wrapper

    return decorator


def authenticated(body: Body) -> User:
    """Return the user of the body's token. Raises `ApiError`: 400 without one, 401 unless it is live."""
    token = body.get("token")
    if token is None or token == "":
        raise ApiError(400, "Token is required")
    user = tokens.user_of(token)
    if user is None:
        raise ApiError(401, "Invalid token")
    return user
