"""One client's connection to the service, kept open and opened again when it breaks."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any, Self

HOST = "127.0.0.1"


class Lost(Exception):
    """No answer came: whether the request was carried out is unknown."""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    body: Mapping[str, Any] | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def data(self) -> Any:
        """The JSON of the answer, None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"{self.status} {self.body[:200]!r}"


class Line:
    """A connection; `headers` go with every request.

    with Line(8700) as line:
        line.post("/users/authorization/", username="admin", password="...").data["data"]["token"]
    """

    def __init__(self, port: int, *, timeout: float = 15, headers: Mapping[str, str] | None = None) -> None:
        self.connection = HTTPConnection(HOST, port, timeout=timeout)
        self.headers = headers or {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.connection.close()

    def send(self, request: Request) -> Answer:
        """Send a request, a mapping as JSON and a text as a form. Raises `Lost`."""
        headers = {**self.headers, **request.headers}
        body = request.body
        if body is not None:
            is_form = isinstance(body, str)
            headers["Content-Type"] = f"application/{'x-www-form-urlencoded' if is_form else 'json'}"
            body = body if isinstance(body, str) else json.dumps(body)
        began = time.perf_counter()
        try:
            self.connection.request(request.method, request.path, body, headers)
            response = self.connection.getresponse()
            content = response.read()
        except (OSError, HTTPException) as error:
            self.connection.close()
            raise Lost(repr(error)) from error
        seconds = time.perf_counter() - began
        return Answer(response.status, dict(response.getheaders()), content, seconds)

    def get(self, path: str, **headers: str) -> Answer:
        return self.send(Request("GET", path, headers=headers))

    def post(self, path: str, /, **body: Any) -> Answer:
        return self.send(Request("POST", path, body))
