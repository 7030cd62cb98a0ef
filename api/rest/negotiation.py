from collections.abc import Iterable
from typing import Any

from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class QuickNegotiation(DefaultContentNegotiation):
    """DRF's, which is not asked where the client takes anything, or the first renderer's media type alone."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> Any:
        first, *_others = renderers
        is_usual = request.META.get("HTTP_ACCEPT", "*/*") in ("*/*", first.media_type)
        if is_usual and not format_suffix and self.settings.URL_FORMAT_OVERRIDE not in request.query_params:
            return first, first.media_type
        try:
            return super().select_renderer(request, renderers, format_suffix)
        except ValueError:  # of an escape in Accept
            raise NotAcceptable(available_renderers=list(renderers)) from None
