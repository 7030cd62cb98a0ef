"""The change token: an opaque text that changes with each event, an ETag for all incidents."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.db import Error
from django.http import HttpResponse
from django.utils.crypto import salted_hmac

from common.db import errors as db_errors
from common.db.compiled import select
from common.http import hosts
from incidents.models import Event

PATH = "/news"
LENGTH = 16

newest_id = select(lambda: Event.objects.order_by("-id").values_list("id"), limited=True)


class ChangeTokenEndpoint:
    """A WSGI application in front of Django that answers 204 to `GET /news?token=` with the current token.

    All other requests are Django's, with its session, its check of the host and its line in the log. Only a
    page that was sent to a user knows the current token, so this response tells nothing to anybody else.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self.application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        asks = environ["PATH_INFO"] == PATH and environ["REQUEST_METHOD"] == "GET"
        if not (asks and hosts.allows(environ.get("HTTP_HOST")) and is_current(environ)):
            return self.application(environ, start_response)
        response = HttpResponse(status=204, headers={"Cache-Control": "no-store"})
        start_response("204 No Content", list(response.items()))
        # Closing it gives the database connection back, as after any request.
        return response


def is_current(environ: WSGIEnvironment) -> bool:
    try:
        return bool(environ["QUERY_STRING"] == f"token={current()}")
    except Error as error:
        if not db_errors.is_transient(error):
            raise
        return False  # Django asks again, and responds with 503 if the database is still away.


def current() -> str:
    return token_for(newest_event_id())


def newest_event_id() -> int:
    """Return the id of the newest event, 0 before the first."""
    rows = newest_id.rows(limit=1)
    return int(rows[0][0]) if rows else 0


def token_for(event_id: int) -> str:
    # The bare id would tell how much happens.
    return salted_hmac(__name__, str(event_id), algorithm="sha256").hexdigest()[:LENGTH]
