"""/users/authorization/ and /users/logout/ of the POST dialect."""

from django.contrib.auth import authenticate
from django.http import HttpRequest, HttpResponseBase

from api.post.envelope import ApiError, Body, post_only, respond
from common.datetimes import to_utc_text
from users import tokens
from users.api.post.authentication import authenticated
from users.hashing_queue import TooManyAttempts
from users.models import User


@post_only
def authorization(request: HttpRequest, body: Body) -> HttpResponseBase:
    username, password = body.get("username"), body.get("password")
    if not isinstance(username, str) or not isinstance(password, str):
        raise ApiError(401, "Invalid credentials")
    try:
        user = authenticate(request, username=username, password=password)
    except TooManyAttempts as error:
        raise ApiError(
            429,
            "Too many attempts, try again later",
            headers={"Retry-After": str(error.retry_after)},
        ) from None
    if not isinstance(user, User):
        raise ApiError(401, "Invalid credentials")
    token = tokens.issue_for_login(user)
    return respond({"token": token.secret, "expires_at": to_utc_text(token.expires_at)})


@post_only
def logout(_request: HttpRequest, body: Body) -> HttpResponseBase:
    authenticated(body)
    tokens.revoke(body["token"])
    return respond({})
