from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser, MultiPartParser

from common import strict_json


class TooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = _("Request body is too large.")
    default_code = "too_large"


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


class BoundedMultiPartParser(MultiPartParser):
    """Bounds the body as a whole: Django bounds a form's fields, not the files beside them."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        length = (parser_context or {})["request"].META.get("CONTENT_LENGTH")
        if int(length or 0) > settings.MAX_BODY_BYTES:
            raise TooLarge
        return super().parse(stream, media_type, parser_context)
