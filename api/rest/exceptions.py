"""Maps errors of the infrastructure to DRF's responses: 503 for the database, 413 for a large body."""

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import Error as DatabaseError
from django.utils.translation import gettext_lazy as _
from rest_framework import status
from rest_framework.exceptions import APIException, ErrorDetail, NotAuthenticated
from rest_framework.response import Response
from rest_framework.views import exception_handler

from api.rest.parsers import TooLarge
from common.db import errors as db_errors

HOW_TO_LOG_IN = _(
    "Log in, or send the header `Authorization: Bearer TOKEN` with a token from POST /users/authorization/."
)


class Busy(APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = _("Service is busy, try again.")
    default_code = "busy"


def handle_exception(error: Exception, context: dict[str, Any]) -> Response | None:
    """Respond in DRF's form also to a body over the limit and a database that is busy or away."""
    if isinstance(error, NotAuthenticated):
        error.detail = ErrorDetail(str(HOW_TO_LOG_IN), error.default_code)
    elif isinstance(error, RequestDataTooBig):
        error = TooLarge()
    elif isinstance(error, DatabaseError) and db_errors.is_transient(error):
        error = Busy()
    response = exception_handler(error, context)
    if response is not None and isinstance(error, Busy):
        for name, value in db_errors.RETRY_AFTER.items():
            response[name] = value
    return response
