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


def plain(status: HTTPStatus) -> Callable[..., HttpResponse]:
    """Return a view of the status's page, which is rendered without the request.

    Django's own views of 400 and 500 read the form for its CSRF token, which may be what has just failed, and
    the user, who may be in a database that does not answer.
    """

    def view(_request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponse:
        return HttpResponse(loader.get_template(f"{status:d}.html").render(), status=status)

    return view


bad_request = page(HTTPStatus.BAD_REQUEST, plain(HTTPStatus.BAD_REQUEST))
forbidden = page(HTTPStatus.FORBIDDEN, defaults.permission_denied)
not_found = page(HTTPStatus.NOT_FOUND, defaults.page_not_found)
broken = page(HTTPStatus.INTERNAL_SERVER_ERROR, plain(HTTPStatus.INTERNAL_SERVER_ERROR))


def server_error(request: HttpRequest) -> HttpResponse:
    """Say that something is broken, or that the database is busy, which passes."""
    error = sys.exc_info()[1]
    if isinstance(error, Error) and db_errors.is_transient(error):
        # Without the request: who looks at it would be looked up in the database.
        page = loader.get_template("503.html").render()
        return HttpResponse(page, status=HTTPStatus.SERVICE_UNAVAILABLE, headers=db_errors.RETRY_AFTER)
    return broken(request)
