"""The one charset in which the service reads requests: UTF-8."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

UTF_8 = {"", "utf-8", "utf8", "us-ascii", "ascii"}
# In the environment of a request whose Content-Type names another charset.
IS_FOREIGN = "incidents.charset_is_foreign"


class OneCharset:
    """A WSGI application in front of Django that shows it the media type and a form's boundary, no charset.

    JSON is UTF-8 whatever a header says (RFC 8259). Django looks for the charset while it makes the request
    object, in front of all error handling, and takes codecs that decode no text, such as zlib, and escapes
    (RFC 2231) in any parameter.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self.application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        given = environ.get("CONTENT_TYPE", "")
        if ";" in given:
            media_type, *parameters = given.split(";")
            values = dict(map(split_parameter, parameters))
            environ[IS_FOREIGN] = values.get("charset", "").lower() not in UTF_8
            boundary = f"; boundary={values['boundary']}" if "boundary" in values else ""
            environ["CONTENT_TYPE"] = media_type + boundary
        return self.application(environ, start_response)


def split_parameter(parameter: str) -> tuple[str, str]:
    name, _equals, value = parameter.partition("=")
    return name.strip().lower(), value.strip().strip('"')
