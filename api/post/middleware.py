"""The POST dialect's short path, before sessions, CSRF and messages.

Its calls carry their token in the body and no cookie counts, so those middlewares could only cost them time.
The paths are listed in config.urls like any others; this middleware runs them first, and below its prefixes
every response is the envelope.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.urls import Resolver404

from api.post.envelope import ApiError, in_envelope
from common.http.paths import resolve_cached

PREFIXES = ("/users/", "/incidents/")


class PostDialectMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(PREFIXES):
            return call(request)
        return self.get_response(request)


@in_envelope
def call(request: HttpRequest) -> HttpResponseBase:
    path = request.path_info
    try:
        match = resolve_cached(path if path.endswith("/") else f"{path}/")
    except Resolver404:
        raise ApiError(404, "Not found") from None
    request.resolver_match = match
    response: HttpResponseBase = match.func(request, **match.kwargs)
    return response
