"""The bytes of a request as the payload they carry, whatever the Content-Type says.

Uptime Kuma posts JSON as application/x-www-form-urlencoded, or a JSON text that holds JSON, or a form with
the one field `data`; Healthchecks names no type at all.
"""

import json
import re
from typing import Any
from urllib.parse import parse_qsl

from common import strict_json
from integrations.signals import InvalidEvent

DATA_FIELD = "data"
MAX_FIELDS = 1_000
MAX_BOUNDARY_LENGTH = 70  # RFC 2046, 5.1.1
MAX_PART_HEAD = 1_024
# Python's parser of headers has errors of its own for the continuations of RFC 2231, which no sender uses.
PARAMETER = re.compile(r';\s*([\w*-]+)=(?:"((?:[^"\\]|\\.)*)"|([^;"]*))')
MAX_DEPTH = 32
MULTIPART = "multipart/form-data"
URLENCODED = "application/x-www-form-urlencoded"

# Templates of senders repeat keys, the last one counts; lone surrogates are replaced where texts are read.
DECODER = json.JSONDecoder(parse_int=strict_json.bounded_int, parse_constant=strict_json.refuse_constant)


def decode(body: bytes, content_type: str, *, form_fields: bool = False) -> dict[str, Any]:
    """Return the JSON object that `body` carries.

    With `form_fields` the fields of a form are themselves a payload. A byte order mark is skipped, and
    bytes that are not UTF-8 become U+FFFD: an accent in Latin-1 must not lose an alert. The size is the
    caller's to bound.

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
    """Return the fields of a multipart form without its files; the last of those with the same name counts.

    Django's parser would refuse more than DATA_UPLOAD_MAX_MEMORY_SIZE, the limit of all other paths.
    """
    boundary = parameters(content_type).get("boundary", "").encode("latin-1", "replace")
    if not 1 <= len(boundary) <= MAX_BOUNDARY_LENGTH:
        raise InvalidEvent("The form cannot be read: its boundary is missing or too long")
    _preamble, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary, MAX_FIELDS + 2)
    fields: dict[str, str] = {}
    for part in parts:
        if part.startswith(b"--"):
            return fields
        head, _, value = part.partition(b"\r\n\r\n")
        disposition = disposition_of(head[:MAX_PART_HEAD])
        if "name" in disposition and not disposition.keys() & {"filename", "filename*"}:
            fields[disposition["name"]] = value.decode("utf-8", "replace")
    raise InvalidEvent(f"The form cannot be read: it has no end, or more than {MAX_FIELDS} fields")


def disposition_of(head: bytes) -> dict[str, str]:
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-disposition":
            return parameters(value)
    return {}


def parameters(header: str) -> dict[str, str]:
    """Return what stands behind the value of a header, e.g. `; name="data"`."""
    return {name.lower(): quoted or plain.strip() for name, quoted, plain in PARAMETER.findall(header)}


def from_fields(fields: dict[str, str], *, form_fields: bool) -> dict[str, Any]:
    if DATA_FIELD in fields:
        return from_json(fields[DATA_FIELD].strip())
    if not form_fields or not fields:
        raise InvalidEvent("The body is not JSON and has no form field 'data'")
    return dict(fields)
