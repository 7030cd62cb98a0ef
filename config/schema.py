"""The OpenAPI document at /api/schema/, made once for each language and format."""

import functools
import hashlib
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase
from django.utils import translation
from django.utils.cache import get_conditional_response
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import spectacular_settings
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request


class Document(NamedTuple):
    content: bytes
    etag: str


class SchemaView(SpectacularAPIView):
    """drf-spectacular's view, with its negotiation and `?lang=`, cheap enough for strangers."""

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        language = request.query_params.get("lang", "")
        if language not in dict(settings.LANGUAGES):
            language = translation.get_language()
        renderer: Any = request.accepted_renderer
        found = document(language, renderer.__class__)
        response = HttpResponse(
            found.content,
            content_type=f"{renderer.media_type}; charset=utf-8" if renderer.charset else renderer.media_type,
            headers={
                "Content-Disposition": f'inline; filename="{spectacular_settings.TITLE}.{renderer.format}"',
                "ETag": found.etag,
            },
        )
        return get_conditional_response(request._request, etag=found.etag, response=response) or response


@functools.cache
def document(language: str, renderer: Any) -> Document:
    with translation.override(language):
        generator: Any = SchemaGenerator
        content: Any = renderer().render(generator().get_schema(public=True), renderer_context={})
    return Document(content, f'"{hashlib.sha256(content).hexdigest()[:32]}"')
