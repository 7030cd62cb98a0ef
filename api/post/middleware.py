"""The POST dialect's short path, before sessions, CSRF and messages.

Its calls carry their token in the body and no cookie counts, so those middlewares could only cost them time.
The paths are listed in config.urls like any others; this middleware runs them first, and below its prefixes
every response is the envelope.
"""

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template import loader
from django.urls import Resolver404
from django.utils import translation

from api.post.envelope import ApiError, in_envelope
from common.http.paths import resolve_cached

PREFIXES = ("/users/", "/incidents/")


class PostDialectMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(PREFIXES):
            return page_for_people(request) if is_of_browser(request) else call(request)
        return self.get_response(request)


def is_of_browser(request: HttpRequest) -> bool:
    """Tell whether a person has typed the path or followed a link: no client of the API asks for HTML."""
    return request.method == "GET" and request.headers.get("Accept", "").startswith("text/html")


def page_for_people(request: HttpRequest) -> HttpResponseBase:
    with translation.override(translation.get_language_from_request(request)):
        page = loader.get_template("web/api_path.html").render()
    return HttpResponse(page, status=HTTPStatus.NOT_FOUND)


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
