"""How the tests call the service: the POST dialect, REST, and many callers at once."""

import contextlib
import functools
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from django.test import Client
from django.test.client import ClientHandler

from users import tokens
from users.models import User


@functools.cache
def handler(enforce_csrf_checks: bool) -> ClientHandler:
    """Return the handler that all such clients share: to make one takes longer than most tests."""
    made = ClientHandler(enforce_csrf_checks)
    made.load_middleware()
    return made


def new_client(*, enforce_csrf_checks: bool = False, **options: Any) -> Client:
    client = Client(**options)
    client.handler = handler(enforce_csrf_checks)
    return client


def token_of(user: User) -> str:
    """Issue a token of one hour."""
    return tokens.issue(user, lifetime=timedelta(hours=1)).secret


@dataclass(frozen=True, slots=True)
class Envelope:
    """a response of the POST dialect."""

    status: int
    error: str
    data: dict[str, Any]
    headers: Mapping[str, str]

    @property
    def verdict(self) -> tuple[int, str]:
        return self.status, self.error


class Post:
    """Speaks the POST dialect; whatever comes back must be its envelope.

    post("/incidents/create/", {"incident": "Fire", "source": "operator"}, by=olga)
    """

    def __init__(self) -> None:
        self.client = new_client(raise_request_exception=False)

    def __call__(
        self,
        path: str,
        body: Mapping[str, Any] | bytes,
        *,
        by: User | None = None,
        method: str = "POST",
        **extra: Any,
    ) -> Envelope:
        if not isinstance(body, bytes):
            token = {"token": token_of(by)} if by else {}
            body = json.dumps(token | dict(body)).encode()
        response: Any = self.client.generic(method, path, body, content_type="application/json", **extra)
        assert response.headers["Content-Type"] == "application/json", response
        content = json.loads(response.getvalue())
        assert list(content) == ["success", "error", "status", "data"]
        assert content["status"] == response.status_code
        assert content["success"] is (response.status_code < 400) is (content["error"] == "")
        return Envelope(response.status_code, content["error"], content["data"], response.headers)


@dataclass(frozen=True, slots=True)
class Reply:
    """a response of REST; `data` is its JSON, None where it is none."""

    status: int
    data: Any
    text: str
    headers: Mapping[str, str]


class Rest:
    """Speaks REST, in English by default.

    rest("PATCH", "/api/incidents/7/", {"status": "closed"}, by=olga)
    """

    def __init__(self) -> None:
        self.client = new_client(raise_request_exception=False)

    def __call__(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | bytes = b"",
        *,
        by: User | None = None,
        headers: Mapping[str, str] | None = None,
        content_type: str = "application/json",
        **extra: Any,
    ) -> Reply:
        given = {"Accept-Language": "en"} | dict(headers or {})
        if by:
            given["Authorization"] = f"Bearer {token_of(by)}"
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        response: Any = self.client.generic(
            method, path, content, content_type=content_type, headers=given, **extra
        )
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        text = response.getvalue().decode()
        data = json.loads(text) if is_json and text else None
        return Reply(response.status_code, data, text, response.headers)


def together(count: int, act: Callable[[int], Any]) -> list[Any]:
    """Call act(0), act(1), ... each in a thread of its own, all at the same time; a failure is its result."""
    barrier = threading.Barrier(count)
    results: list[Any] = [None] * count

    def run(number: int) -> None:
        barrier.wait(timeout=30)
        try:
            results[number] = act(number)
        except Exception as error:  # noqa: BLE001  # the test looks at it
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results


@contextlib.contextmanager
def database_held(tables: str) -> Iterator[None]:
    """Hold the tables (in SQLite: all) as another process would; make our own patience short."""
    other: Any = connection.copy("other")
    try:
        with connection.cursor() as ours, other.cursor() as theirs:
            if connection.vendor == "sqlite":
                ours.execute("PRAGMA busy_timeout = 50")
                theirs.execute("BEGIN IMMEDIATE")
            else:
                ours.execute("SET lock_timeout = '50ms'")
                theirs.execute("BEGIN")
                theirs.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")
            yield
            theirs.execute("ROLLBACK")
            if connection.vendor == "postgresql":
                ours.execute("RESET lock_timeout")
    finally:
        other.close()
        if connection.vendor == "postgresql":
            other.close_pool()
        connection.close()
