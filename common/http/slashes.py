"""REST's paths work with and without the final slash: Django's redirect would lose a request's body."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase


class OptionalSlashMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith("/api/") and not request.path_info.endswith("/"):
            request.path_info += "/"
        return self.get_response(request)
