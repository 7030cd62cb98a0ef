"""REST's own way in for calls that bring a token: sessions, CSRF and policies of pages are for browsers."""

import functools
from collections.abc import Callable
from typing import Any

from django.core.handlers.exception import convert_exception_to_response as as_answers
from django.http import HttpRequest, HttpResponseBase
from django.middleware.common import CommonMiddleware
from django.middleware.locale import LocaleMiddleware
from django.urls import resolve

# Django would walk through all patterns for each call.
resolve_once = functools.lru_cache(maxsize=64)(resolve)


# What else is below /api/ are pages, some with a session.
PREFIX = "/api/incidents/"
View = Callable[[HttpRequest], HttpResponseBase]


class TokenCallMiddleware:
    """Answers at once what carries a token and wants JSON; everything else goes the way of browsers.

    A wrong token is refused by REST here too, whatever cookie comes with it.
    """

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response
        # Each with its errors made answers, as Django does it for its own chain.
        self.answer: Any = LocaleMiddleware(as_answers(CommonMiddleware(as_answers(call))))

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(PREFIX) and brings_token(request) and wants_json(request):
            answer: HttpResponseBase = self.answer(request)
            return answer
        return self.get_response(request)


def brings_token(request: HttpRequest) -> bool:
    return str(request.META.get("HTTP_AUTHORIZATION", ""))[:7].lower() == "bearer "


def wants_json(request: HttpRequest) -> bool:
    """Tell whether the answer is surely no page: neither Accept nor `?format=` asks for one."""
    return "html" not in request.META.get("HTTP_ACCEPT", "") and "format" not in request.META["QUERY_STRING"]


def call(request: HttpRequest) -> HttpResponseBase:
    request.resolver_match = match = resolve_once(request.path_info)
    response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
    return response.render() if hasattr(response, "render") else response
