"""Django's own error pages, in JSON below /api/."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views import defaults


def page(status: HTTPStatus, html: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    def handler(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.path.startswith("/api/"):
            return JsonResponse({"detail": _(status.phrase)}, status=status)
        return html(request, *args, **kwargs)

    return handler


bad_request = page(HTTPStatus.BAD_REQUEST, defaults.bad_request)
forbidden = page(HTTPStatus.FORBIDDEN, defaults.permission_denied)
not_found = page(HTTPStatus.NOT_FOUND, defaults.page_not_found)
server_error = page(HTTPStatus.INTERNAL_SERVER_ERROR, defaults.server_error)
