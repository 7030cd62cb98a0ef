"""Django's own error pages, in JSON below /api/."""

import sys
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.db import Error
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import loader
from django.utils.translation import gettext as _
from django.views import defaults

from common.db import errors as db_errors


def page(status: HTTPStatus, html: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    def handler(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.path.startswith("/api/"):
            return JsonResponse({"detail": _(status.phrase)}, status=status)
        return html(request, *args, **kwargs)

    return handler


bad_request = page(HTTPStatus.BAD_REQUEST, defaults.bad_request)
forbidden = page(HTTPStatus.FORBIDDEN, defaults.permission_denied)
not_found = page(HTTPStatus.NOT_FOUND, defaults.page_not_found)
broken = page(HTTPStatus.INTERNAL_SERVER_ERROR, defaults.server_error)


def server_error(request: HttpRequest) -> HttpResponse:
    """Say that something is broken, or that the database is busy, which passes."""
    error = sys.exc_info()[1]
    if isinstance(error, Error) and db_errors.is_transient(error):
        # Without the request: who looks at it would be looked up in the database.
        page = loader.get_template("503.html").render()
        return HttpResponse(page, status=HTTPStatus.SERVICE_UNAVAILABLE, headers=db_errors.RETRY_AFTER)
    return broken(request)
