"""A long list as JSON, sent in pieces: the whole of it is never in memory, however long its texts are."""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson
from django.http import StreamingHttpResponse
from rest_framework.request import Request

from api.rest.renderers import FastJSONRenderer, as_drf_does


def is_json(request: Request) -> bool:
    """Tell whether the response is JSON as `FastJSONRenderer` writes it, without indents."""
    renderer = request.accepted_renderer
    return isinstance(renderer, FastJSONRenderer) and not renderer.get_indent(
        request.accepted_media_type or "", {}
    )


def stream(parts: Iterable[list[Any]], envelope: dict[str, Any] | None = None) -> StreamingHttpResponse:
    """Respond with the items of all parts as a list, or as the list that is the last value of `envelope`."""
    empty = b"[]" if envelope is None else orjson.dumps(envelope, default=as_drf_does)
    head, bracket, tail = empty.rpartition(b"]")
    return StreamingHttpResponse(pieces(head, parts, bracket + tail), content_type="application/json")


def pieces(head: bytes, parts: Iterable[list[Any]], tail: bytes) -> Iterator[bytes]:
    prefix = head
    for part in parts:
        if part:
            yield prefix + written(part)
            prefix = b","
    yield (head if prefix is head else b"") + tail


def written(part: list[Any]) -> bytes:
    """Write the items and empty the list: nothing of it is kept while the client takes the piece."""
    content = orjson.dumps(part, default=as_drf_does)
    part.clear()
    return content[1:-1]
