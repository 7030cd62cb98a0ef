"""REST's short path for calls with a token: sessions, CSRF and the policies of pages are for browsers."""

from collections.abc import Callable
from typing import Any

from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponseBase
from django.middleware.common import CommonMiddleware
from django.utils import translation
from django.utils.cache import patch_vary_headers
from rest_framework.settings import api_settings

from common.http.paths import resolve_cached

# What else is below /api/ are pages, some with a session.
PREFIX = "/api/incidents/"
View = Callable[[HttpRequest], HttpResponseBase]


class TokenCallMiddleware:
    """Runs the view at once if the request has a token and wants JSON; any other goes through the full chain.

    A wrong token is refused by REST here too, whatever cookie comes with it.
    """

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response
        # Django wraps each middleware of its own chain in the same way.
        common = CommonMiddleware(convert_exception_to_response(call))
        self.short_path: Any = in_language(convert_exception_to_response(common))

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(PREFIX) and has_token(request) and wants_json(request):
            response: HttpResponseBase = self.short_path(request)
            return response
        return self.get_response(request)


def in_language(get_response: Any) -> View:
    """Do what LocaleMiddleware does, without its look for a language at the beginning of the path."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        translation.activate(translation.get_language_from_request(request))
        response: HttpResponseBase = get_response(request)
        patch_vary_headers(response, ["Accept-Language"])
        response.headers.setdefault("Content-Language", translation.get_language())
        return response

    return middleware


def has_token(request: HttpRequest) -> bool:
    return str(request.META.get("HTTP_AUTHORIZATION", ""))[:7].lower() == "bearer "


def wants_json(request: HttpRequest) -> bool:
    """Tell whether the response is surely no page: neither Accept nor `?format=` may ask for one."""
    accept = request.META.get("HTTP_ACCEPT", "").lower()
    return (
        "text" not in accept and "html" not in accept and api_settings.URL_FORMAT_OVERRIDE not in request.GET
    )


def call(request: HttpRequest) -> HttpResponseBase:
    request.resolver_match = match = resolve_cached(request.path_info)
    response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
    return response.render() if hasattr(response, "render") else response
