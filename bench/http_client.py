"""One client's connection to a server, kept open and opened again when it breaks."""

import json
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, Self

HOST = "127.0.0.1"
FORM = "application/x-www-form-urlencoded"


class NoResponse(Exception):
    """The connection broke or timed out: whether the request was carried out is unknown."""


@dataclass(frozen=True)
class Request:
    """A request; a mapping as `body` is sent as JSON, a text as it is, as JSON too if no header differs."""

    method: str
    path: str
    body: Mapping[str, Any] | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def content(self) -> bytes | None:
        if self.body is None:
            return None
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()

    def head_and_body(self) -> tuple[bytes, bytes]:
        """Return the request as the bytes of HTTP/1.1, its head and its body."""
        body = self.content() or b""
        headers = {
            "Host": HOST,
            "Content-Type": "application/json",
            **self.headers,
            "Content-Length": str(len(body)),
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"{self.method} {self.path} HTTP/1.1\r\n{lines}\r\n".encode(), body


@dataclass(frozen=True)
class Response:
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def data(self) -> Any:
        """The JSON of the response, None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"{self.status} {self.body[:200]!r}"


class Client:
    """A connection to `port` on loopback; `headers` go with every request.

    with Client(8700) as client:
        client.post("/users/authorization/", username="admin", password="...").data["data"]["token"]
    """

    def __init__(self, port: int, *, timeout: float = 15, headers: Mapping[str, str] | None = None) -> None:
        self.connection = HTTPConnection(HOST, port, timeout=timeout)
        self.headers = headers or {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.connection.close()

    def send(self, request: Request) -> Response:
        """Send a request and read the whole response. Raises `NoResponse`."""
        content = request.content()
        json_type = {} if content is None else {"Content-Type": "application/json"}
        began = time.perf_counter()
        try:
            self.connection.request(
                request.method, request.path, content, {**json_type, **self.headers, **request.headers}
            )
            response = self.connection.getresponse()
            body = response.read()
        except (OSError, HTTPException) as error:
            self.connection.close()
            raise NoResponse(repr(error)) from error
        seconds = time.perf_counter() - began
        return Response(response.status, dict(response.getheaders()), body, seconds)

    def get(self, path: str, **headers: str) -> Response:
        return self.send(Request("GET", path, headers=headers))

    def post(self, path: str, /, **body: Any) -> Response:
        return self.send(Request("POST", path, body))


def read_response(client: socket.socket) -> Response | None:
    """Read one response from a socket; None if the connection breaks or the bytes are no HTTP."""
    try:
        response = HTTPResponse(client)
        response.begin()
        return Response(response.status, dict(response.getheaders()), response.read(), 0)
    except (OSError, HTTPException):
        return None
