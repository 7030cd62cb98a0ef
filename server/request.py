"""Requests, assembled from bytes as they arrive. gunicorn's incremental parser decides where each ends."""

import io
from collections.abc import Mapping
from typing import Any, NoReturn, cast

from gunicorn.asgi.parser import InvalidHeader, InvalidHeaderName, LimitRequestHeaders, PythonProtocol
from gunicorn.http.message import HeaderPolicy
from gunicorn.util import split_request_uri

MAX_HEAD = 32 * 1024
# More than the body itself: 10,000 chunks of one byte are 50 KB.
MAX_FRAMING = MAX_HEAD + 32 * 1024


class BodyTooLarge(Exception):
    """The body exceeds the worker's `max_body_bytes`."""


class RefusedBody(io.RawIOBase):
    """The `wsgi.input` of a request whose body is too large: reading it raises `error`."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def refuse(self, *_args: object) -> NoReturn:
        raise self.error

    read = readinto = readline = readlines = __next__ = refuse


class Request(HeaderPolicy):  # type: ignore[misc]  # gunicorn has no types
    """What `gunicorn.http.wsgi.create` asks about a request. Raises a parser's error for an invalid head."""

    scheme = "http"
    proxy_protocol_info = None

    def __init__(self, cfg: Any, client: Any, parser: PythonProtocol) -> None:
        self.cfg = cfg
        self.peer_addr = client
        self.method = parser.method.decode("ascii")
        self.uri = parser.path.decode("ascii")
        self.version = parser.http_version
        # RFC 9931, 8: what follows a CONNECT is not HTTP.
        self.must_close = not parser.should_keep_alive or self.method == "CONNECT"
        parts = split_request_uri(self.uri)
        self.path, self.query, self.fragment = parts.path, parts.query, parts.fragment
        self.body: Any = io.BytesIO()
        self.body_bytes = 0
        self.headers: list[tuple[str, str]] = []
        self.add_headers(parser.headers)

    def add_headers(self, headers: list[tuple[bytes, bytes]]) -> None:
        trust = self._peer_trusted_for_forwarded()
        scheme, seen = [False], set[str]()
        for name, value in headers:
            header = name.decode("ascii").upper(), value.decode("latin-1")
            if kept := self._apply_header_policy(*header, scheme, seen, *trust):
                self.headers.append(kept)
        # RFC 9112, 3.2. The policy notes in `seen` which of the headers that may come only once are there.
        if "HOST" not in seen and self.version >= (1, 1):
            raise InvalidHeader("no Host")

    @property
    def caller(self) -> tuple[str, ...]:
        """Whose request it is, as far as the server can tell: behind a proxy all have one address."""
        address = self.peer_addr[0] if self.peer_addr else ""
        return (address, *(value for name, value in self.headers if name in {"AUTHORIZATION", "COOKIE"}))

    def should_close(self) -> bool:
        return self.must_close

    def state_length(self, length: int) -> None:
        """Replace the transfer coding, decoded by now, by a length: applications read no body without one."""
        self.headers = [field for field in self.headers if field[0] != "TRANSFER-ENCODING"]
        self.headers.append(("CONTENT-LENGTH", str(length)))


class Parser(PythonProtocol):  # type: ignore[misc]  # gunicorn has no types
    """Refuses invalid trailers as gunicorn's other workers do; by itself it skips what stands there."""

    def _find_line(self, *args: Any) -> int:
        end: int = super()._find_line(*args)
        if end > 0 and self._state == "chunked" and self._chunk_state == "trailer":
            self.check_trailer(bytes(self._buffer[:end]))
        return end

    def check_trailer(self, line: bytes) -> None:
        name, colon, value = line.partition(b":")
        if len(line) + 2 > self._line_limit():
            raise LimitRequestHeaders("the trailer is too long")
        if not colon or not self._is_valid_token(name):
            raise InvalidHeaderName("the trailer's name is invalid")
        if self._has_invalid_header_chars(value.strip(b" \t")):
            raise InvalidHeader("the trailer's value is invalid")


class RequestBuffer:
    """Assembles one request after another, and keeps no more of a body than `max_body_bytes`.

    Paths that begin with a prefix in `limits_below` have the limit there instead.

    if buffer.feed(data):        # a request is complete, or is refused without the rest of it
        request = buffer.take()  # raises what is wrong with it

    Reading the body of a request that exceeds the limit raises `too_large`.
    """

    def __init__(
        self,
        cfg: Any,
        client: Any,
        max_body_bytes: int,
        too_large: type[Exception] = BodyTooLarge,
        limits_below: Mapping[str, int] | None = None,
    ) -> None:
        self.cfg = cfg
        self.client = client
        self.max_body_bytes = max_body_bytes
        self.too_large = too_large
        self.limits_below = limits_below or {}
        self.parser = Parser(
            on_headers_complete=self.head_complete,
            on_body=self.add_to_body,
            limit_request_line=cfg.limit_request_line,
            limit_request_fields=cfg.limit_request_fields,
            limit_request_field_size=cfg.limit_request_field_size,
            permit_unconventional_http_method=cfg.permit_unconventional_http_method,
            permit_unconventional_http_version=cfg.permit_unconventional_http_version,
        )
        self.error: Exception | None = None
        self.clear()

    def clear(self) -> None:
        self.parser.reset()
        self.request: Request | None = None  # once its head is complete
        self.limit = self.max_body_bytes
        self.refused = False
        self.expects_continue = False  # The client waits for an interim response before it sends the body.
        self.body = bytearray()
        self.received = 0  # bytes of this request and of what follows it

    @property
    def complete(self) -> bool:
        return self.parser.is_complete or self.refused or self.error is not None

    @property
    def is_costly(self) -> bool:
        """Whether the next bytes may cost much to parse: a head, after which chunks of a byte may follow."""
        return self.request is None or (self.parser.is_chunked and 16 * self.framing > len(self.body))

    @property
    def framing(self) -> int:
        """How much was received that is no body: the head, chunk sizes, chunk extensions, trailers."""
        return self.received - len(self.body)

    def feed(self, data: bytes) -> bool:
        """Add what was received; tell whether `take` has something to return or to raise."""
        self.received += len(data)
        try:
            self.parser.feed(data)
            self.check_limits()
        except BodyTooLarge:
            self.refused = True
        except Exception as error:  # noqa: BLE001  # Nothing that a client sends may end the polling thread.
            # What is too long after the head are trailers, and they belong to the body.
            self.refused = self.request is not None and isinstance(error, LimitRequestHeaders)
            self.error = None if self.refused else error
        return self.complete

    def check_limits(self) -> None:
        if self.complete:
            return
        if self.request is None and self.received > MAX_HEAD:
            raise LimitRequestHeaders("the head is too long")
        if self.framing > MAX_FRAMING + len(self.body):
            raise BodyTooLarge

    def head_complete(self) -> bool:
        """Tell the parser whether to leave the body out."""
        self.request = Request(self.cfg, self.client, self.parser)
        # gunicorn would send the interim response with the final one.
        self.expects_continue, self.request._expected_100_continue = (
            self.request._expected_100_continue,
            False,
        )
        for prefix, limit in self.limits_below.items():
            if self.request.path.startswith(prefix):
                self.limit = limit
        self.refused = (self.parser.content_length or 0) > self.limit
        return self.refused

    def add_to_body(self, data: bytes) -> None:
        self.body += data
        cast("Request", self.request).body_bytes = len(self.body)
        if len(self.body) > self.limit:
            raise BodyTooLarge

    def take(self) -> Request:
        """Return the request that is complete and begin with what follows it; raise what is wrong with it."""
        if self.error is not None:
            raise self.error
        request, length = cast("Request", self.request), len(self.body)
        if self.refused:
            request.body, length = RefusedBody(self.too_large()), self.limit + 1
            request.must_close = True  # Where the next request begins is not known.
        else:
            request.body = io.BytesIO(self.body)
        if self.parser.is_chunked:
            request.state_length(length)
        rest = self.parser.remaining()
        self.clear()
        if rest and not request.must_close:
            self.feed(rest)
        return request
