"""Whether anything has happened: what every open page asks every few seconds.

The answer is one word that changes with each event. It tells a stranger nothing, so it is given before
Django's sessions and all the rest that a page needs: hundreds of open pages cost next to nothing.
"""

import hashlib
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponse

from common.db import errors as db_errors
from common.db.compiled import select
from common.http import hosts
from incidents.models import Event

PATH = "/news"
HEADERS = {
    "Content-Type": "text/plain",
    "Content-Length": "16",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}

newest_id = select(lambda: Event.objects.order_by("-id").values_list("id"), limited=True)


class ChangeTokenEndpoint:
    """A WSGI application in front of Django that answers `GET /news`, without a line in the log."""

    def __init__(self, application: WSGIApplication) -> None:
        self.application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        asks = environ["PATH_INFO"] == PATH and environ["REQUEST_METHOD"] == "GET"
        if not asks or not hosts.allows(environ.get("HTTP_HOST")):
            return self.application(environ, start_response)
        response = news()
        start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
        # Closing it gives the database connection back, as after any request.
        return response


def news(_request: HttpRequest | None = None) -> HttpResponse:
    try:
        word = word_for(newest_event())
    except Error as error:
        if not db_errors.is_transient(error):
            raise
        return HttpResponse(status=503, headers=db_errors.RETRY_AFTER)
    return HttpResponse(word, headers=HEADERS)


def newest_event() -> int:
    """Return the id of the newest event, 0 before the first."""
    rows = newest_id.rows(limit=1)
    return int(rows[0][0]) if rows else 0


def word_for(event_id: int) -> str:
    # The bare number would tell everybody how much happens here.
    key = settings.SECRET_KEY.encode()[: hashlib.blake2b.MAX_KEY_SIZE]
    return hashlib.blake2b(b"%d" % event_id, key=key, digest_size=8).hexdigest()
