"""Parsers that bound a body, and accept one unambiguous JSON object."""

from collections.abc import Mapping
from typing import IO, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError, PermissionDenied
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request

from common import strict_json
from common.http import charset


class TooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = _("Request body is too large.")
    default_code = "too_large"


def refuse_foreign_form(request: Request) -> None:
    """Refuse a form in another charset than UTF-8, and one of another site where nobody is logged in.

    With REST_PUBLIC no CSRF token protects a form. Browsers name the page's site in `Origin`; before
    they send JSON from another site they ask whether they may, and here they may not.
    """
    if request.META.get(charset.IS_FOREIGN):
        raise ParseError(_("A form must be UTF-8."))
    origin = request.headers.get("Origin")
    # The host first: to find the user of a session, the form itself is parsed for its CSRF token.
    if origin and host_of(origin) != request.get_host() and not request.user.is_authenticated:
        raise PermissionDenied(_("A form of another site is not accepted without a login."))


def host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


class StrictJSONParser(JSONParser):
    """Parses the one unambiguous JSON object that common.strict_json lets through."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        body = stream.read(settings.MAX_BODY_BYTES + 1)
        if len(body) > settings.MAX_BODY_BYTES:
            raise TooLarge
        try:
            return strict_json.loads(body)
        except ValueError as error:
            raise ParseError(_("Invalid JSON.")) from error


class SameSiteFormParser(FormParser):
    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        refuse_foreign_form((parser_context or {})["request"])
        return super().parse(stream, media_type, parser_context)


class BoundedMultiPartParser(MultiPartParser):
    """Bounds the body as a whole: Django bounds a form's fields, not the files beside them."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        request = (parser_context or {})["request"]
        refuse_foreign_form(request)
        if int(request.META.get("CONTENT_LENGTH") or 0) > settings.MAX_BODY_BYTES:
            raise TooLarge
        return super().parse(stream, media_type, parser_context)
