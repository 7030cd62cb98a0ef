"""The hooks' short path, before sessions, CSRF and redirects.

Monitoring systems bring a token and no cookie, and follow a redirect with a GET that has lost the body. The
paths are listed in config.urls like any others; below /hooks/ every response is JSON.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.urls import Resolver404

from common.http.paths import resolve_cached
from integrations.models import Kind
from integrations.responses import Refusal, in_json

PREFIX = "/hooks/"


class HookMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(PREFIX):
            return call(request)
        return self.get_response(request)


@in_json
def call(request: HttpRequest) -> HttpResponseBase:
    path = request.path_info
    try:
        match = resolve_cached(path if path.endswith("/") else f"{path}/")
    except Resolver404:
        raise Refusal(404, f"There is no such hook. The kinds are {', '.join(Kind.values)}") from None
    request.resolver_match = match
    response: HttpResponseBase = match.func(request, **match.kwargs)
    return response
