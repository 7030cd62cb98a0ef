"""The bytes of a request as the payload they carry, whatever the Content-Type says.

Uptime Kuma posts JSON as application/x-www-form-urlencoded, or a JSON text that holds JSON, or a form with
the one field `data`; Healthchecks names no type at all.
"""

import json
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl

from django.core.exceptions import SuspiciousOperation
from django.http.multipartparser import MultiPartParser, MultiPartParserError

from common import strict_json
from integrations.signals import InvalidEvent

DATA_FIELD = "data"
MAX_FIELDS = 1_000
MAX_DEPTH = 32
MULTIPART = "multipart/form-data"
URLENCODED = "application/x-www-form-urlencoded"

# Templates of senders repeat keys, the last one counts; lone surrogates are replaced where texts are read.
DECODER = json.JSONDecoder(parse_int=strict_json.bounded_int, parse_constant=strict_json.refuse_constant)


def decode(body: bytes, content_type: str, *, form_fields: bool = False) -> dict[str, Any]:
    """Return the JSON object that `body` carries.

    With `form_fields` the fields of a form are themselves a payload. A byte order mark is skipped, and
    bytes that are not UTF-8 become U+FFFD: an accent in Latin-1 must not lose an alert. The size is the
    caller's to bound, except that of a multipart form, which Django's DATA_UPLOAD_MAX_MEMORY_SIZE bounds too.

    Raises `InvalidEvent` for a body that carries none, or one nested deeper than 32.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == MULTIPART:
        return from_fields(multipart_fields(body, content_type), form_fields=form_fields)
    text = body.decode("utf-8-sig", "replace").strip()
    try:
        return from_json(text)
    except InvalidEvent:
        if media_type != URLENCODED or not text or text[0] in '{["':
            raise
    return from_fields(fields_of(text), form_fields=form_fields)


def fields_of(query: str) -> dict[str, str]:
    """Return the fields of a form or of a query string; the last of those with the same name counts."""
    try:
        return dict(parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError:
        raise InvalidEvent(f"The form has more than {MAX_FIELDS} fields") from None


def from_json(text: str) -> dict[str, Any]:
    if not text:
        raise InvalidEvent("The body is empty")
    value = loads(text)
    if isinstance(value, str):
        text = value
        value = loads(text)
    if not isinstance(value, dict):
        raise InvalidEvent("The body must be a JSON object")
    # Few payloads have so many brackets; to look through the values takes longer than to count.
    if text.count("{") + text.count("[") > MAX_DEPTH and is_deeper_than(MAX_DEPTH, value):
        raise InvalidEvent(f"The body is nested deeper than {MAX_DEPTH}")
    return value


def loads(text: str) -> Any:
    try:
        return DECODER.decode(text)
    except RecursionError:
        raise InvalidEvent(f"The body is nested deeper than {MAX_DEPTH}") from None
    except ValueError as error:
        raise InvalidEvent(f"The body is not JSON: {error}") from None


def is_deeper_than(limit: int, value: Any) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def multipart_fields(body: bytes, content_type: str) -> dict[str, str]:
    meta = {"CONTENT_TYPE": content_type, "CONTENT_LENGTH": len(body)}
    try:
        fields, _files = MultiPartParser(meta, BytesIO(body), []).parse()
    except (MultiPartParserError, SuspiciousOperation) as error:
        raise InvalidEvent(f"The form cannot be read: {error}") from None
    return {name: str(value) for name, value in fields.items()}


def from_fields(fields: dict[str, str], *, form_fields: bool) -> dict[str, Any]:
    if DATA_FIELD in fields:
        return from_json(fields[DATA_FIELD].strip())
    if not form_fields or not fields:
        raise InvalidEvent("The body is not JSON and has no form field 'data'")
    return dict(fields)
