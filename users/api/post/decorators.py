"""Who calls the POST dialect: the token in the body, and what its user may do."""

import functools
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from api.post.envelope import ApiError, Body, PostView
from users import tokens
from users.models import Action, User

UserView = Callable[[User, Body], HttpResponseBase]


def allowed_to(action: Action) -> Callable[[UserView], PostView]:
    """Let a call through to the view if its token's user may do `action`."""

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
    token = body.get("token")
    if token is None or token == "":
        raise ApiError(400, "Token is required")
    user = tokens.user_of(token)
    if user is None:
        raise ApiError(401, "Invalid token")
    return user
