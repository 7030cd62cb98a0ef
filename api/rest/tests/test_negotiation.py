import pytest
from django.test import RequestFactory
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer, BrowsableAPIRenderer
from rest_framework.request import Request

from api.rest.negotiation import QuickNegotiation
from api.rest.renderers import FastJSONRenderer

RENDERERS: list[BaseRenderer] = [FastJSONRenderer(), BrowsableAPIRenderer()]
HEADERS = [None, "", "*/*", "application/json", "application/json; indent=4", "APPLICATION/JSON", "text/html"]
RARE_HEADERS = [
    "text/html;q=0.9, */*;q=0.1",
    "application/*",
    "application/xml",
    "*/*, text/html",
    " */*",
    ",",
]


@pytest.mark.parametrize("query", ["", "?format=json", "?format=api"])
@pytest.mark.parametrize("accept", [*HEADERS, *RARE_HEADERS])
def test_the_renderer_is_the_one_that_rest_framework_chooses(accept: str | None, query: str) -> None:
    headers = {} if accept is None else {"Accept": accept}
    chosen = []
    for negotiation in (QuickNegotiation(), DefaultContentNegotiation()):
        request = Request(RequestFactory().get(f"/{query}", headers=headers))
        try:
            chosen.append(negotiation.select_renderer(request, RENDERERS))
        except NotAcceptable as error:
            chosen.append((error.status_code, ""))
    assert chosen[0] == chosen[1]
