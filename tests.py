"""The acceptance suite: what the service promises its clients, held over HTTP.

    python tests.py                     starts a server of its own with a throw-away database
    python tests.py http://host:port    asks a running server, whose ADMIN_USERNAME and
                                        ADMIN_PASSWORD are in the environment
    python tests.py [URL] -v -k cursor  the rest of the line is unittest's own

It imports nothing of the service and sees only what a client sees. On a server that is not its
own it leaves incidents whose text starts with this run's mark and, because their history names
them, the users who wrote them, deactivated. Tests that need a server of their own are skipped.
"""

import functools
import http.client
import itertools
import json
import os
import re
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from email.message import Message
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

PROJECT = Path(__file__).resolve().parent
GIVEN_URL = next((word for word in sys.argv[1:] if re.match("https?://", word)), None)
MARK = f"acceptance-{secrets.token_hex(4)}"
CLEANUP = ExitStack()

own_server_only = unittest.skipIf(GIVEN_URL, "needs a server of its own")


def setUpModule() -> None:
    # Without a server one error says it all; each test for itself would wait for it in vain.
    began()


def tearDownModule() -> None:
    CLEANUP.close()


# ------------------------------------------------------------------ the wire

AUTHORIZATION = "/users/authorization/"
LOGOUT = "/users/logout/"
CREATE = "/incidents/create/"
GET_ALL = "/incidents/get_all/"
UPDATE = "/incidents/update/"
WITH_TOKEN = (LOGOUT, CREATE, GET_ALL, UPDATE)
POST_PATHS = (AUTHORIZATION, *WITH_TOKEN)
REST = "/api/incidents/"


@dataclass(frozen=True)
class Answer:
    asked: str
    status: int
    headers: Message
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def __str__(self) -> str:
        return f"{self.asked:.300} -> {self.status} {self.body.decode(errors='replace'):.2000}"


@dataclass(frozen=True)
class Login:
    username: str
    password: str = field(default_factory=lambda: secrets.token_urlsafe(18))


class Service:
    """A running service. Every request comes on a connection of its own."""

    def __init__(self, url: str, admin: Login) -> None:
        self.url = urlsplit(url)
        self.admin = admin

    def request(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        secure = self.url.scheme == "https"
        connect = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        with closing(connect(self.url.netloc, timeout=60)) as connection:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            asked = f"{method} {path} {body!r}"
            return Answer(asked, response.status, response.headers, response.read())

    def post(self, path: str, fields: object, **headers: str) -> Answer:
        """Speak the POST dialect: bytes go out as they are, anything else as JSON."""
        body = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
        return self.request("POST", path, body, dashed(headers))

    def rest(self, method: str, path: str, fields: object = None, **headers: str) -> Answer:
        """Speak the REST dialect, in English unless told otherwise."""
        body = None if fields is None else json.dumps(fields).encode()
        spoken = {"Accept_Language": "en", "Content_Type": "application/json"} | headers
        return self.request(method, path, body, dashed(spoken))

    def log_in(self, who: Login, **headers: str) -> Answer:
        credentials = {"username": who.username, "password": who.password}
        return self.post(AUTHORIZATION, credentials, **headers)

    def token(self, who: Login) -> str:
        answer = self.log_in(who)
        if answer.status != 200:
            raise AssertionError(f"{who.username} cannot log in: {answer.body!r}")
        return str(answer.json()["data"]["token"])


def dashed(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


# ------------------------------------------------------------------ servers of the suite's own

# The defaults said aloud: a developer's own .env must not decide what the suite sees.
DEFAULTS = {
    "HOST": "127.0.0.1",
    "DATABASE_URL": "",
    "SECRET_KEY": "",
    "ADMIN_USERNAME": "admin",
    "ADMIN_PASSWORD": "",
    "ADMIN_PASSWORD_FILE": "",
    "ALLOWED_HOSTS": "",
    "TOKEN_TTL": "3600",
    "LANGUAGE_CODE": "ru",
    "TIME_ZONE": "Europe/Moscow",
    "REST_PUBLIC": "false",
    "MAX_BODY_BYTES": "262144",
    "WEB_CONCURRENCY": "2",
    "TRUSTED_PROXIES": "0",
    "HTTPS": "false",
    "SQLITE_SYNCHRONOUS": "FULL",
    "LOG_FORMAT": "text",
    "DEBUG": "false",
}
SERVE = [sys.executable, "manage.py", "serve"]
READY_WITHIN = 60


class OwnService(Service):
    """A service for this run alone, started as a newcomer starts it."""

    def __init__(self, **settings: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        super().__init__(f"http://127.0.0.1:{port}", Login("admin"))
        folder = Path(CLEANUP.enter_context(tempfile.TemporaryDirectory()))
        self.data = folder / "data"
        self.log = folder / "log"
        self.secret = folder / "password"
        self.secret.write_text(self.admin.password)
        self.settings = {"PORT": str(port), "DATA_DIR": str(self.data)} | settings
        CLEANUP.callback(self.stop)
        self.start(ADMIN_PASSWORD_FILE=str(self.secret))

    def start(self, **settings: str) -> None:
        environment = os.environ | DEFAULTS | self.settings | settings
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                SERVE, cwd=PROJECT, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                if self.request("GET", "/readyz").status == 200:
                    return
            except OSError:
                pass  # Nobody listens yet.
            time.sleep(0.1)
        raise AssertionError(f"the server did not get ready, it said:\n{self.log.read_text()}")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class RestartedService(OwnService):
    """A stop, and a start with other settings, in the life of one server."""

    def __init__(self) -> None:
        super().__init__()
        self.kept_token = self.token(self.admin)
        fields = {"token": self.kept_token, "incident": "acknowledged", "source": "operator"}
        self.kept_incident = self.post(CREATE, fields).json()["data"]["id"]
        self.stop()
        self.other_admin = Login(self.admin.username)
        self.start(
            ADMIN_PASSWORD=self.other_admin.password,
            LANGUAGE_CODE="en",
            TIME_ZONE="Asia/Yekaterinburg",
            HTTPS="true",
        )


@functools.cache
def service() -> Service:
    """The server that most tests ask."""
    if GIVEN_URL is None:
        return OwnService()
    return Service(GIVEN_URL, Login(os.environ["ADMIN_USERNAME"], os.environ["ADMIN_PASSWORD"]))


@functools.cache
def odd_service() -> OwnService:
    """A server with settings away from their defaults."""
    odd = {"REST_PUBLIC": "true", "TOKEN_TTL": "3", "MAX_BODY_BYTES": "4096"}
    return OwnService(TRUSTED_PROXIES="1", **odd)


restarted_service = functools.cache(RestartedService)

# What is sent where only the sending matters.
SMALL = {"description": "one of many", "source": "monitoring"}


@functools.cache
def many_incidents() -> set[Any]:
    """The ids of more incidents than a page may have."""
    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda _: odd_service().rest("POST", REST, SMALL), range(1001))
        return {answer.json()["id"] for answer in answers}


@functools.cache
def began() -> datetime:
    """When this run began, by the server's clock, which need not be ours."""
    return parsedate_to_datetime(service().request("GET", "/healthz").headers["Date"])


CALLERS = (f"198.51.100.{number}" for number in itertools.count(1))


def new_caller() -> dict[str, str]:
    """An address that nobody called from: failed logins are counted by address."""
    return {"X_Forwarded_For": next(CALLERS)}


# ------------------------------------------------------------------ who is asking


class FormReader(HTMLParser):
    """What a browser would send from a page's forms if nobody touched them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: list[tuple[str, str]] = []
        self.select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        shown = {name: value or "" for name, value in attrs}
        if tag == "input" and self.is_sent(shown):
            empty = "on" if "checked" in shown else ""
            self.fields.append((shown["name"], shown.get("value", empty)))
        elif tag == "select":
            self.select = shown.get("name", "")
        elif tag == "option" and self.select and "selected" in shown:
            self.fields.append((self.select, shown.get("value", "")))

    @staticmethod
    def is_sent(shown: dict[str, str]) -> bool:
        if shown.get("type") in ("submit", "button", "file", "image") or "name" not in shown:
            return False
        return shown.get("type") not in ("checkbox", "radio") or "checked" in shown


class NotAccepted(AssertionError):
    """A page that showed its form again instead of leading on."""


class Browser:
    """The administrator at the Django admin, with cookies, and with forms as they are shown."""

    def __init__(self, service: Service, **always: str) -> None:
        self.service = service
        self.always = dashed(always)
        self.cookies: SimpleCookie = SimpleCookie()
        login = {"username": service.admin.username, "password": service.admin.password}
        self.submit("/admin/login/", login)

    def request(self, method: str, path: str, fields: bytes | None = None, /, **headers: str) -> Answer:
        kept = "; ".join(f"{name}={cookie.value}" for name, cookie in self.cookies.items())
        # Over https Django checks that a form comes from a page of its own.
        page = {"Cookie": kept, "Referer": self.service.url._replace(path=path).geturl()}
        answer = self.service.request(method, path, fields, self.always | page | dashed(headers))
        for cookie in answer.headers.get_all("Set-Cookie", []):
            self.cookies.load(cookie)
        return answer

    def submit(self, path: str, filled: dict[str, str], untick: str = "") -> str:
        """Fill in the form at path, send it, tell where it leads."""
        shown = FormReader(self.request("GET", path).body.decode()).fields
        left = [(name, value) for name, value in shown if name not in {*filled, untick}]
        answer = self.request(
            "POST",
            path,
            urlencode([*left, *filled.items()]).encode(),
            Content_Type="application/x-www-form-urlencoded",
        )
        if answer.status != 302:
            errors = re.findall(r'(?s)class="error\w*"[^>]*>.*?</', answer.body.decode())
            raise NotAccepted(f"{path} answered {answer.status}: {errors}")
        return str(answer.headers["Location"])


@dataclass(frozen=True)
class Account:
    """A user whom the suite made, and the path of its page in the admin."""

    login: Login
    path: str

    def change_password(self) -> Login:
        new = Login(self.login.username)
        admin().submit(f"{self.path}password/", twice(new.password))
        return new

    def deactivate(self) -> None:
        admin().submit(f"{self.path}change/", {}, untick="is_active")

    def delete(self) -> None:
        admin().submit(f"{self.path}delete/", {})


def twice(password: str) -> dict[str, str]:
    return {"password1": password, "password2": password}


@functools.cache
def admin() -> Browser:
    return Browser(service())


def new_account(role: str) -> Account:
    login = Login(f"{MARK}-{role}-{secrets.token_hex(2)}")
    filled = {"username": login.username, "role": role} | twice(login.password)
    leads_to = admin().submit("/admin/users/user/add/", filled)
    return Account(login, leads_to.removesuffix("change/"))


CAST = {"olga": "operator", "oleg": "operator", "rita": "reporter", "vera": "viewer"}


@functools.cache
def account(name: str) -> Account:
    made = new_account(CAST[name])
    if GIVEN_URL:
        CLEANUP.callback(made.deactivate)
    return made


@functools.cache
def token(name: str) -> str:
    return service().token(account(name).login)


# ------------------------------------------------------------------ what every test can say

ABSENT = object()
NOT_TEXT = [0, 1, 1.5, True, False, [], ["x"], {}, {"x": "x"}]
NO_SUCH_NUMBER = [0, -1, 2**63 - 1, 2**63, 2**64, 10**30]
WHEN_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

Fields = dict[str, Any]


def in_utc(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def after(seconds: float) -> str:
    return in_utc(began() + timedelta(seconds=seconds))


def marked(text: str = "Самокат не в сети") -> str:
    return f"{MARK} {text}"


def ids(incidents: Iterable[Any]) -> list[Any]:
    return [incident["id"] for incident in incidents]


def bearer(value: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {value}"}


def relative(url: str) -> str:
    return urlsplit(url)._replace(scheme="", netloc="").geturl()


class Promise(unittest.TestCase):
    """What the promises of both dialects share."""

    def succeeds(self, answer: Answer, status: int = 200) -> Any:
        """The data of a POST answer that says all went well."""
        said = self.envelope(answer, success=True, error="", status=status)
        return said["data"]

    def fails(self, answer: Answer, status: int, error: str, data: object = None) -> None:
        """A POST answer says what is wrong."""
        self.envelope(answer, success=False, error=error, status=status, data=data or {})

    def envelope(self, answer: Answer, **expected: Any) -> Any:
        self.assertEqual(answer.headers.get_content_type(), "application/json", answer)
        said = answer.json()
        self.assertLessEqual({"success", "error", "status", "data"}, set(said), answer)
        self.assertEqual(said | expected, said, answer)
        self.assertEqual(answer.status, said["status"], answer)
        return said

    def shows(self, answer: Answer, status: int = 200) -> Any:
        """What a REST answer holds."""
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers.get_content_type(), "application/json", answer)
        return answer.json()

    def explains(self, answer: Answer, status: int) -> str:
        """The detail of a REST answer that says what is wrong."""
        detail = self.shows(answer, status)["detail"]
        self.assertIsInstance(detail, str, answer)
        return str(detail)

    def post(self, path: str, who: str = "olga", /, **fields: Any) -> Answer:
        return service().post(path, {"token": token(who)} | fields)

    def rest(
        self, method: str, path: str, fields: object = None, who: str = "olga", /, **headers: str
    ) -> Answer:
        return service().rest(method, path, fields, **(bearer(token(who)) | headers))

    def refuses(self, path: str, right: Fields, name: str, wrong: list[Any], error: str) -> None:
        """Each wrong value among right fields is answered in these words."""
        for value in wrong:
            with self.subTest(path, **{name: f"{value!r:.80}"}):
                sent = {k: v for k, v in {**right, name: value}.items() if v is not ABSENT}
                self.fails(self.post(path, **sent), 400, error)

    def checks_in_order(self, path: str, *steps: tuple[str, Any, Any, str]) -> Answer:
        """All fields wrong at first and righted one by one: each error waits for its turn."""
        fields = {name: wrong for name, wrong, _right, _error in steps}
        for name, _wrong, right, error in steps:
            self.fails(self.post(path, **fields), 400, error)
            fields[name] = right
        return self.post(path, **fields)

    def create(self, text: str = "Самокат не в сети", who: str = "olga", **fields: Any) -> Any:
        """The id of a new incident of ours."""
        right = {"incident": marked(text), "source": "operator"}
        return self.succeeds(self.post(CREATE, who, **(right | fields)), 201)["id"]

    def create_as(self, stored: str) -> Any:
        """The id of a new incident whose stored status is this word."""
        made = self.create(f"is {stored}")
        self.shows(self.rest("PATCH", f"{REST}{made}/", {"status": stored}))
        return made

    def one(self, incident: Any) -> Any:
        return self.shows(self.rest("GET", f"{REST}{incident}/"))

    def history(self, incident: Any) -> Any:
        return self.shows(self.rest("GET", f"{REST}{incident}/history/"))

    def pages(self, **fields: Any) -> Iterator[list[Any]]:
        """The pages of a walk, newest first, down to what was there before this run."""
        asked = {"limit": 1000} | fields
        while (answer := self.post(GET_ALL, **asked)).status != 404:
            data = self.succeeds(answer)
            yield data["incidents"]
            if data["next"] is None or data["incidents"][-1]["created_at"] < after(-60):
                return
            asked["cursor"] = data["next"]

    def listed(self, **fields: Any) -> list[Any]:
        """This run's incidents, as the POST dialect lists them."""
        items = itertools.chain.from_iterable(self.pages(**fields))
        return [item for item in items if item["incident"].startswith(MARK)]

    def item(self, incident: Any) -> Any:
        """One of this run's incidents, as the POST dialect lists it."""
        [item] = [item for item in self.listed() if item["id"] == incident]
        return item

    def page(self, search: str, **filters: Any) -> Any:
        query = urlencode({"search": marked(search), "page_size": 1000} | filters)
        return self.shows(self.rest("GET", f"{REST}?{query}"))

    def found(self, search: str, **filters: Any) -> list[Any]:
        """The ids of this run's incidents that REST finds."""
        return ids(self.page(search, **filters)["results"])


# ------------------------------------------------------------------ POST: every call


class EveryPostCall(Promise):
    def test_other_methods_are_405_whatever_the_body(self) -> None:
        methods = ("GET", "PUT", "PATCH", "DELETE", "OPTIONS")
        for path, method in itertools.product(POST_PATHS, methods):
            answer = service().request(method, path, b"not JSON")
            self.fails(answer, 405, "POST required")
            self.assertEqual(answer.headers["Allow"], "POST", answer)

    def test_head_is_405_too(self) -> None:
        for path in POST_PATHS:
            answer = service().request("HEAD", path)
            self.assertEqual((answer.status, answer.headers["Allow"]), (405, "POST"), answer)

    def test_the_final_slash_may_be_missing(self) -> None:
        for path in POST_PATHS:
            self.fails(service().post(path[:-1], b""), 400, "Invalid JSON")
        right = {"incident": marked("no slash"), "source": "operator"}
        made = self.succeeds(self.post(CREATE[:-1], **right), 201)["id"]
        self.succeeds(self.post(UPDATE[:-1], id=made, status="fake"))
        self.succeeds(self.post(GET_ALL[:-1], limit=1))
        self.assertEqual(self.item(made)["status"], "fake")

    def test_wrong_paths_answer_in_the_envelope(self) -> None:
        for path in ("/users/nothing/", "/users/", "/incidents/nothing", "/incidents/create/1/"):
            answer = service().post(path, {})
            said = self.envelope(answer, success=False, status=404, data={})
            self.assertTrue(said["error"], answer)

    def test_a_chunked_body_is_never_taken_for_an_empty_one(self) -> None:
        fields = {"token": token("olga"), "incident": marked("chunked"), "source": "operator"}
        answer = service().request("POST", CREATE, iter([json.dumps(fields).encode()]))
        self.assertIn(answer.status, (201, 411), answer)

    @own_server_only
    def test_an_unlisted_host_is_400_and_any_ip_address_is_served(self) -> None:
        stranger = service().post(CREATE, {}, Host="evil.example.com")
        self.envelope(stranger, success=False, status=400, data={})
        self.assertNotIn(b"Token is required", stranger.body)
        self.fails(service().post(CREATE, {}, Host="192.0.2.7:8000"), 400, "Token is required")

    @own_server_only
    def test_a_body_may_be_as_large_as_the_limit_and_no_larger(self) -> None:
        for held, limit in ((service(), 262_144), (odd_service(), 4096)):
            body = b"{}".rjust(limit)
            self.fails(held.post(CREATE, body), 400, "Token is required")
            self.fails(held.post(CREATE, body + b" "), 413, "Request body is too large")

    @own_server_only
    def test_the_size_is_checked_after_the_method_and_before_the_json(self) -> None:
        large = b"[" * 4097
        self.fails(odd_service().request("PUT", CREATE, large), 405, "POST required")
        self.fails(odd_service().post(CREATE, large), 413, "Request body is too large")

    @own_server_only
    def test_a_chunked_body_keeps_to_the_limit(self) -> None:
        answer = odd_service().request("POST", CREATE, iter([b"[" * 4097]))
        self.assertIn(answer.status, (411, 413), answer)


NOT_ONE_OBJECT = {
    "empty": b"",
    "blank": b" \r\n",
    "array": b"[]",
    "text": b'"token"',
    "number": b"1",
    "null": b"null",
    "unclosed": b'{"token": "x"',
    "trailing text": b'{"token": "x"} x',
    "two objects": b"{}{}",
    "trailing comma": b'{"token": "x",}',
    "single quotes": b"{'token': 'x'}",
    "raw control character": b'{"token": "a\nb"}',
    "form": b"token=x&incident=y",
    "byte order mark": b'\xef\xbb\xbf{"token": "x"}',
    "UTF-16": '{"token": "x"}'.encode("utf-16"),
    "UTF-16 without a mark": '{"token": "x"}'.encode("utf-16-le"),
    "UTF-32": '{"token": "x"}'.encode("utf-32-be"),
    "Latin-1": '{"token": "é"}'.encode("latin-1"),
    "truncated UTF-8": b'{"token": "\xd0"}',
    "overlong UTF-8": b'{"token": "\xc0\xaf"}',
    "NaN": b'{"token": NaN}',
    "Infinity": b'{"x": Infinity}',
    "negative Infinity": b'{"x": [-Infinity]}',
    "leading zero": b'{"x": 01}',
    "lone high surrogate": rb'{"token": "\ud83d"}',
    "lone low surrogate": rb'{"x": ["\udef4"]}',
    "surrogates the wrong way round": rb'{"x": "\udef4\ud83d"}',
    "lone surrogate in a name": rb'{"\ud83d": 1}',
    "surrogate as bytes": b'{"token": "\xed\xa0\xbd"}',
    "duplicated key": b'{"token": "x", "token": "x"}',
    "key duplicated by an escape": rb'{"token": "x", "\u0074oken": "y"}',
    "duplicated key further in": b'{"x": {"a": 1, "a": 1}}',
    "deep arrays": b'{"x": %s%s}' % (b"[" * 100_000, b"]" * 100_000),
    "deep objects": b'{"x": %s1%s}' % (b'{"a":' * 40_000, b"}" * 40_000),
}


class StrictJson(Promise):
    def test_a_body_that_is_not_one_json_object_is_refused_everywhere(self) -> None:
        for path, (name, body) in itertools.product(POST_PATHS, NOT_ONE_OBJECT.items()):
            with self.subTest(path, body=name):
                self.fails(service().post(path, body), 400, "Invalid JSON")

    def test_the_body_decides_and_not_its_content_type(self) -> None:
        form, json_kind = "application/x-www-form-urlencoded", "application/json"
        for kind in (form, "multipart/form-data; boundary=x", f"{json_kind}; charset=utf-16"):
            self.fails(service().post(GET_ALL, {}, Content_Type=kind), 400, "Token is required")
        answer = service().post(GET_ALL, b"token=x", Content_Type=json_kind)
        self.fails(answer, 400, "Invalid JSON")

    def test_fields_the_dialect_does_not_know_are_ignored(self) -> None:
        made = self.create(extra={"a": [1, None, 1.5]}, id=1, status="fake")
        self.assertEqual(self.one(made)["status"], "open")


# ------------------------------------------------------------------ POST: who may call


class Tokens(Promise):
    def test_a_call_without_a_token_is_told_so(self) -> None:
        for path, value in itertools.product(WITH_TOKEN, (ABSENT, None, "")):
            fields = {"limit": 0} if value is ABSENT else {"limit": 0, "token": value}
            self.fails(service().post(path, fields), 400, "Token is required")

    def test_whatever_is_not_a_live_token_gets_one_answer(self) -> None:
        not_alive = [*NOT_TEXT, "x", " ", "\0", "токен", "x" * 5000, "inc_" + "A" * 43]
        for path, value in itertools.product(WITH_TOKEN, not_alive):
            with self.subTest(path, token=f"{value!r:.40}"):
                answer = service().post(path, {"token": value, "limit": 0})
                self.fails(answer, 401, "Invalid token")

    def test_logout_ends_this_token_and_no_other(self) -> None:
        for path in (LOGOUT, LOGOUT[:-1]):
            spare = service().token(account("olga").login)
            self.succeeds(service().post(path, {"token": spare}))
            for dead in (GET_ALL, path):
                self.fails(service().post(dead, {"token": spare}), 401, "Invalid token")
            self.explains(service().rest("GET", REST, **bearer(spare)), 401)
        self.create("the other token lives")

    @own_server_only
    def test_a_token_expires_when_it_said_it_would(self) -> None:
        data = self.succeeds(odd_service().log_in(odd_service().admin))
        asked = {"token": data["token"], "id": 0, "status": "new"}
        self.fails(odd_service().post(UPDATE, asked), 404, "Incident have not found")
        left = moment(data["expires_at"]) - datetime.now(UTC)
        time.sleep(max(0.0, left.total_seconds()) + 0.1)
        self.fails(odd_service().post(UPDATE, asked), 401, "Invalid token")


class TokensOfAUserWhoChanges(Promise):
    def setUp(self) -> None:
        self.account = new_account("operator")
        self.token = service().token(self.account.login)
        self.assert_alive()

    def call(self) -> Answer:
        return service().post(UPDATE, {"token": self.token, "id": 0, "status": "new"})

    def assert_alive(self) -> None:
        self.fails(self.call(), 404, "Incident have not found")

    def assert_dead(self) -> None:
        self.fails(self.call(), 401, "Invalid token")
        self.explains(service().rest("GET", REST, **bearer(self.token)), 401)

    def test_a_password_change_ends_them_at_once(self) -> None:
        self.addCleanup(self.account.delete)
        changed = self.account.change_password()
        self.assert_dead()
        self.token = service().token(changed)
        self.assert_alive()

    def test_deactivation_ends_them_at_once_and_shuts_the_door(self) -> None:
        self.addCleanup(self.account.delete)
        self.account.deactivate()
        self.assert_dead()
        self.fails(service().log_in(self.account.login), 401, "Invalid credentials")

    def test_deletion_ends_them_at_once(self) -> None:
        self.account.delete()
        self.assert_dead()


class Authorization(Promise):
    def test_the_right_password_gets_a_token(self) -> None:
        data = self.succeeds(service().log_in(account("olga").login))
        self.assertIsInstance(data["token"], str)
        self.assertRegex(data["expires_at"], WHEN_UTC)

    @own_server_only
    def test_a_token_lives_one_hour_unless_configured(self) -> None:
        data = self.succeeds(service().log_in(account("olga").login))
        lives = moment(data["expires_at"]) - datetime.now(UTC)
        self.assertAlmostEqual(lives.total_seconds(), 3600, delta=10)

    def test_a_wrong_password_is_refused(self) -> None:
        wrong = Login(account("olga").login.username)
        self.fails(service().log_in(wrong), 401, "Invalid credentials")

    @own_server_only
    def test_missing_and_foreign_values_are_refused_in_the_same_words(self) -> None:
        name, password = odd_service().admin.username, odd_service().admin.password
        wrong_names: tuple[Any, ...] = (ABSENT, None, "", 1, True, [name], "nobody", f"{name}\0", "x" * 1000)
        wrong_passwords: tuple[Any, ...] = (
            ABSENT,
            None,
            "",
            1,
            True,
            [password],
            f"{password}\0",
            "x" * 1000,
        )
        pairs = [(wrong, password) for wrong in wrong_names]
        pairs += [(name, wrong) for wrong in wrong_passwords]
        for pair in [*pairs, (ABSENT, ABSENT)]:
            sent = zip(("username", "password"), pair, strict=True)
            fields = {key: value for key, value in sent if value is not ABSENT}
            with self.subTest(f"{pair!r:.80}"):
                answer = odd_service().post(AUTHORIZATION, fields, **new_caller())
                self.fails(answer, 401, "Invalid credentials")

    @own_server_only
    def test_a_known_and_an_unknown_name_take_the_same_time(self) -> None:
        def seconds_to_refuse(name: str) -> float:
            started = time.perf_counter()
            answer = odd_service().log_in(Login(name), **new_caller())
            self.fails(answer, 401, "Invalid credentials")
            return time.perf_counter() - started

        known = min(seconds_to_refuse(odd_service().admin.username) for _ in range(2))
        unknown = min(seconds_to_refuse("nobody") for _ in range(2))
        # An answer without a password hash would be a hundred times faster.
        self.assertLess(max(known, unknown), 2 * min(known, unknown))

    @own_server_only
    def test_the_sixth_guess_waits_though_it_be_right_and_others_do_not_wait(self) -> None:
        right, caller = odd_service().admin, new_caller()
        for _ in range(5):
            guess = odd_service().log_in(Login(right.username), **caller)
            self.fails(guess, 401, "Invalid credentials")
        late = odd_service().log_in(right, **caller)
        self.fails(late, 429, "Too many attempts, try again later")
        self.assertGreater(int(late.headers["Retry-After"]), 0)
        with self.assertRaises(NotAccepted, msg="the admin's own form lets guesses pass"):
            Browser(odd_service(), **caller)
        self.succeeds(odd_service().log_in(right, **new_caller()))


class Roles(Promise):
    def test_a_call_outside_the_role_is_403_before_its_fields_are_looked_at(self) -> None:
        for who, paths in {"rita": (GET_ALL, UPDATE), "vera": (CREATE, UPDATE)}.items():
            for path in paths:
                answer = self.post(path, who, limit=0, id=[])
                self.fails(answer, 403, "Permission denied")

    def test_rest_answers_403_in_its_own_way(self) -> None:
        made = self.create()
        path = f"{REST}{made}/"
        reading = [("GET", REST), ("GET", path), ("GET", f"{path}history/")]
        changing = [("PUT", path), ("PATCH", path)]
        for who, calls in {"rita": reading + changing, "vera": [("POST", REST), *changing]}.items():
            for method, called in calls:
                self.explains(self.rest(method, called, {"status": "fake"}, who), 403)
        self.assertEqual(self.one(made)["status"], "open")

    def test_a_reporter_creates(self) -> None:
        self.create("reported", who="rita")
        fields = {"description": marked("reported"), "source": "monitoring"}
        self.shows(self.rest("POST", REST, fields, "rita"), 201)

    def test_a_viewer_lists(self) -> None:
        self.create()
        self.succeeds(self.post(GET_ALL, "vera", limit=1))
        self.shows(self.rest("GET", REST, None, "vera"))

    def test_the_superuser_is_an_operator(self) -> None:
        root = service().token(service().admin)
        made = self.create(token=root)
        self.succeeds(self.post(UPDATE, token=root, id=made, status="fake"))
        self.succeeds(self.post(GET_ALL, token=root, limit=1))
        self.succeeds(self.post(LOGOUT, token=root))


# ------------------------------------------------------------------ POST: create

SOURCE_ERROR = "Source is required or wrong, use one of: operator, monitoring, partner, unknown"
RIGHT_DATES = {
    "2025-11-11T23:08:12.266Z": "2025-11-11T23:08:12.266+00:00",
    "2025-11-11T23:08:12Z": "2025-11-11T23:08:12+00:00",
    "2025-11-11T23:08:12.2Z": "2025-11-11T23:08:12.200+00:00",
    "2025-11-11T23:08:12.266+03:00": "2025-11-11T20:08:12.266+00:00",
    "2025-11-11T23:08:12.266-12:00": "2025-11-12T11:08:12.266+00:00",
    "2024-02-29T00:00:00+05:45": "2024-02-28T18:15:00+00:00",
    "1970-01-01T00:00:00Z": "1970-01-01T00:00:00+00:00",
}
WRONG_DATES = """
    yesterday 23:08:12Z 2025-11-11 2025-11-11T23:08:12 2025-11-11T23:08:12.266 2025-11-11T23:08Z
    2025-11-11T23:08:12.Z 2025-11-11T23:08:12,266Z 20251111T230812Z 2025-11-11T23:08:12.266+0300
    2025-11-11T23:08:12.266+03 2025-11-11T23:08:12+24:00 2025-W46-2T23:08:12Z 2025-315T23:08:12Z
    2025-11-11T24:00:00Z 2025-11-11T23:60:00Z 2025-11-11T23:08:60Z 2025-02-29T00:00:00Z
    2025-13-01T00:00:00Z ٢٠٢٥-11-11T23:08:12Z 0000-01-01T00:00:00Z 0001-01-01T00:00:00+14:00
    1969-12-31T23:59:59Z 2201-01-01T00:00:00Z 9999-12-31T23:59:59-12:00
"""
NOT_DATES = ["", " ", "2025-11-11T23:08:12Z ", "2025-11-11T23:08:12Z\n", 1762902492, *NOT_TEXT]


class Create(Promise):
    def test_each_wrong_field_has_its_own_words_and_stores_nothing(self) -> None:
        text = marked("faulty")
        right = {"incident": text, "source": "operator"}
        refuses = functools.partial(self.refuses, CREATE, right)
        refuses("incident", [ABSENT, None, "", " ", " \t\r\n"], "Incident is required")
        refuses("incident", NOT_TEXT, "Incident must be text")
        too_long = "Incident is too long, use at most 10000 characters"
        refuses("incident", [text.ljust(10_001, "ы")], too_long)
        ugly = [text + control for control in "\0\1\b\v\f\x0e\x1b\x1f"]
        refuses("incident", ugly, "Incident has forbidden characters")
        wrong_sources = [ABSENT, None, "", "system", "Operator", "operator ", *NOT_TEXT]
        refuses("source", wrong_sources, SOURCE_ERROR)
        refuses("date", WRONG_DATES.split() + NOT_DATES, "Wrong date format")
        wrong_keys = ["", "k" * 201, "a key", "key\n", "ключ", "k\0", "k\x7f", *NOT_TEXT]
        refuses("idempotency_key", wrong_keys, "Wrong idempotency key")
        self.assertEqual(self.found("faulty"), [])

    def test_fields_are_checked_in_the_order_of_the_table(self) -> None:
        answer = self.checks_in_order(
            CREATE,
            ("incident", "", marked("in order"), "Incident is required"),
            ("source", "", "operator", SOURCE_ERROR),
            ("date", "never", None, "Wrong date format"),
            ("idempotency_key", "", f"{MARK}-in-order", "Wrong idempotency key"),
        )
        self.succeeds(answer, 201)

    def test_a_new_incident_is_new_and_says_that_it_was_created(self) -> None:
        fields = {"incident": marked("fresh"), "source": "partner"}
        data = self.succeeds(self.post(CREATE, **fields), 201)
        self.assertIs(data["created"], True)
        item = self.item(data["id"])
        self.assertEqual(item | fields | {"status": "new"}, item)

    def test_the_text_is_stored_as_sent(self) -> None:
        room = 10_000 - len(marked(""))
        for text in (
            "ends with blanks \t\r\n ",
            "emoji 🛴, ё, é, e\u0301, 漢字, \u2028, \u202e, \x7f",
            "<script>alert('x')</script> & \"quotes\" \\",
            "ы" * room,
            "🛴" * room,
        ):
            made = self.create(text)
            self.assertEqual(self.item(made)["incident"], marked(text))
            self.assertEqual(self.one(made)["description"], marked(text))

    def test_a_date_is_a_moment_in_any_offset(self) -> None:
        for sent, meant in RIGHT_DATES.items():
            with self.subTest(sent):
                made = self.one(self.create(date=sent))
                self.assertEqual(moment(made["created_at"]), moment(meant))

    @own_server_only
    def test_a_date_may_be_as_late_as_2200(self) -> None:
        made = self.one(self.create(date="2200-12-31T20:59:59.999Z"))
        self.assertEqual(moment(made["created_at"]).year, 2200)

    def test_no_date_means_now(self) -> None:
        for fields in ({}, {"date": None}):
            made = self.succeeds(self.post(CREATE, incident=marked(), source="operator", **fields), 201)
            lag = moment(self.item(made["id"])["created_at"]) - began()
            self.assertLess(abs(lag - timedelta(minutes=2)), timedelta(minutes=3))


class Idempotency(Promise):
    def setUp(self) -> None:
        self.key = f"{MARK}-{secrets.token_hex(4)}"

    def send(self, who: str = "olga", **changed: Any) -> Answer:
        fields = {"incident": marked("once"), "source": "operator", "idempotency_key": self.key}
        return self.post(CREATE, who, **(fields | changed))

    def assert_repeats(self, first: Any, answer: Answer) -> None:
        self.assertEqual(self.succeeds(answer, 200), {"id": first, "created": False})

    def test_the_same_key_again_is_the_first_incident(self) -> None:
        first = self.succeeds(self.send(), 201)["id"]
        self.assert_repeats(first, self.send())

    def test_so_it_is_with_the_same_date(self) -> None:
        first = self.succeeds(self.send(date=after(0)), 201)["id"]
        self.assert_repeats(first, self.send(date=after(0)))

    def test_so_it_is_when_the_first_was_worked_on(self) -> None:
        first = self.succeeds(self.send(), 201)["id"]
        self.succeeds(self.post(UPDATE, id=first, status="processing"))
        self.assert_repeats(first, self.send())

    def test_other_content_under_the_same_key_is_409(self) -> None:
        self.succeeds(self.send(date=after(0)), 201)
        for changed in ({"incident": marked("twice")}, {"source": "partner"}, {"date": after(1)}):
            answer = self.send(**({"date": after(0)} | changed))
            self.fails(answer, 409, "Idempotency key was used for another incident")

    def test_another_user_may_use_the_same_key(self) -> None:
        first = self.succeeds(self.send(), 201)["id"]
        other = self.succeeds(self.send("oleg", source="partner"), 201)["id"]
        self.assertNotEqual(first, other)

    def test_a_key_may_have_200_visible_characters(self) -> None:
        self.key = f"{MARK}!~\"'/".ljust(200, "k")
        first = self.succeeds(self.send(), 201)["id"]
        self.assert_repeats(first, self.send())

    def test_retries_all_at_once_make_one_incident(self) -> None:
        token("olga")
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: self.send(), range(16)))
        self.assertEqual(sorted(answer.status for answer in answers), [200] * 15 + [201])
        self.assertEqual(len({answer.json()["data"]["id"] for answer in answers}), 1)


# ------------------------------------------------------------------ POST: get_all


STATUS_ERROR = "Status must be one of: new, processing, completed, fake, unknown"
LIMIT_ERROR = "Limit must be a whole number from 1 to 1000"


class GetAll(Promise):
    def test_each_wrong_field_has_its_own_words(self) -> None:
        refuses = functools.partial(self.refuses, GET_ALL, {"limit": 1})
        refuses("status", ["", "open", "resolved", "New", " new", *NOT_TEXT], STATUS_ERROR)
        refuses("limit", [0, -1, 1001, 2**64, 1.5, "10", "", True, False, [], {}], LIMIT_ERROR)
        refuses("cursor", ["", "x", "0", "курсор", "\0", "A" * 5000, *NOT_TEXT], "Wrong cursor")

    def test_fields_are_checked_in_the_order_of_the_table(self) -> None:
        self.checks_in_order(
            GET_ALL,
            ("status", "x", None, STATUS_ERROR),
            ("limit", 0, 1, LIMIT_ERROR),
            ("cursor", "x", None, "Wrong cursor"),
        )

    def test_an_item_has_its_five_words_and_its_time_in_utc(self) -> None:
        sent = (began() + timedelta(milliseconds=266)).astimezone(timezone(timedelta(hours=3)))
        item = self.item(self.create("item", date=sent.isoformat(timespec="milliseconds")))
        self.assertLessEqual({"id", "incident", "status", "source", "created_at"}, set(item))
        self.assertRegex(item["created_at"], WHEN_UTC)
        self.assertEqual(item["created_at"], in_utc(sent))

    def test_the_newest_comes_first_by_time_and_then_by_id(self) -> None:
        made = [self.create(date=after(seconds)) for seconds in (1, 0, 1, 0)]
        listed = [incident for incident in ids(self.listed()) if incident in made]
        self.assertEqual(listed, [made[2], made[0], made[3], made[1]])

    def test_a_page_is_no_longer_than_its_limit(self) -> None:
        for limit in (1, 2):
            self.create()
            data = self.succeeds(self.post(GET_ALL, limit=limit))
            self.assertEqual(len(data["incidents"]), limit)

    def assert_walked_once(self, made: list[Any], seen: list[Any]) -> None:
        self.assertEqual([incident for incident in seen if incident in made], made[::-1])
        self.assertEqual(len(seen), len(set(seen)))

    def test_pages_neither_repeat_nor_skip_while_others_create(self) -> None:
        made = [self.create("there before the walk") for _ in range(7)]
        seen: list[Any] = []
        for page in self.pages(limit=3):
            seen += ids(page)
            self.create("created meanwhile")
            if made[0] in seen:
                break
        self.assert_walked_once(made, seen)

    def test_pages_part_incidents_of_one_moment_too(self) -> None:
        made = [self.create("one moment", date=after(0)) for _ in range(5)]
        seen = itertools.chain.from_iterable(self.pages(limit=2, status="new"))
        self.assert_walked_once(made, ids(seen))

    @own_server_only
    def test_the_last_page_has_no_next(self) -> None:
        asked: Fields = {"token": odd_service().token(odd_service().admin)}
        for _ in range(3):
            asked["id"] = self.shows(odd_service().rest("POST", REST, SMALL), 201)["id"]
            self.succeeds(odd_service().post(UPDATE, asked | {"status": "processing"}))
        asked |= {"status": "processing", "limit": 2}
        first = self.succeeds(odd_service().post(GET_ALL, asked))
        last = self.succeeds(odd_service().post(GET_ALL, asked | {"cursor": first["next"]}))
        self.assertEqual((len(first["incidents"]), len(last["incidents"])), (2, 1))
        self.assertIsNone(last["next"])

    @own_server_only
    def test_without_a_limit_the_whole_list_comes_however_long(self) -> None:
        made = many_incidents()
        asked = {"token": odd_service().token(odd_service().admin)}
        for fields in (asked, asked | {"status": None}, asked | {"status": "new"}):
            data = self.succeeds(odd_service().post(GET_ALL, fields))
            self.assertNotIn("next", data)
            seen = ids(data["incidents"])
            self.assertLessEqual(made, set(seen))
            self.assertEqual(len(seen), len(set(seen)))

    @own_server_only
    def test_nothing_to_show_is_404_with_an_empty_list(self) -> None:
        asked = {"token": odd_service().token(odd_service().admin), "status": "fake"}
        answer = odd_service().post(GET_ALL, asked)
        self.fails(answer, 404, "Incidents have not found", {"incidents": []})
        limited = odd_service().post(GET_ALL, asked | {"limit": 10}).json()
        self.assertEqual((limited["status"], limited["data"]["incidents"]), (404, []))


# ------------------------------------------------------------------ POST: update

UPDATE_STATUS_ERROR = "Status is required or wrong, use one of: new, processing, completed, fake, unknown"


class Update(Promise):
    def test_each_wrong_field_has_its_own_words_and_changes_nothing(self) -> None:
        made = self.create()
        refuses = functools.partial(self.refuses, UPDATE, {"id": made, "status": "fake"})
        refuses("id", [ABSENT, None], "ID is required")
        not_numbers = [" 1 ", "1.5", "abc", "١", "²", "1_0", "0x1", "1\n", True, False, 1.5, {}]
        refuses("id", [*not_numbers, [], [made], f" {made} "], "ID must be numeric")
        wrong_statuses = [ABSENT, None, "", "open", "closed", "Fake", "fake ", *NOT_TEXT]
        refuses("status", wrong_statuses, UPDATE_STATUS_ERROR)
        refuses("comment", NOT_TEXT, "Comment must be text")
        refuses("comment", ["ы" * 2001], "Comment is too long, use at most 2000 characters")
        self.assertEqual(len(self.history(made)), 1)
        self.assertEqual(self.one(made)["status"], "open")

    def test_fields_are_checked_in_the_order_of_the_table(self) -> None:
        answer = self.checks_in_order(
            UPDATE,
            ("id", "x", 0, "ID must be numeric"),
            ("status", "x", "fake", UPDATE_STATUS_ERROR),
            ("comment", 1, "seen", "Comment must be text"),
        )
        self.fails(answer, 404, "Incident have not found")

    def test_an_incident_that_is_not_there_is_404_whatever_its_number(self) -> None:
        for number in (*NO_SUCH_NUMBER, str(2**63 - 1), str(2**64), "9" * 5000):
            with self.subTest(f"{number!r:.40}"):
                answer = self.post(UPDATE, id=number, status="new")
                self.fails(answer, 404, "Incident have not found")

    def test_a_number_of_5000_digits_is_just_not_there(self) -> None:
        # Spelled by hand: Python does not write a number so long.
        fields = json.dumps({"token": token("olga"), "status": "new", "id": "digits"})
        body = fields.replace('"digits"', "9" * 5000).encode()
        self.fails(service().post(UPDATE, body), 404, "Incident have not found")

    def test_the_id_may_be_a_number_or_its_digits(self) -> None:
        made = self.create()
        for number, status in ((made, "processing"), (str(made), "completed")):
            self.assertEqual(self.succeeds(self.post(UPDATE, id=number, status=status)), {})
            self.assertEqual(self.item(made)["status"], status)

    def test_a_comment_may_have_2000_characters_and_is_kept(self) -> None:
        made = self.create()
        self.succeeds(self.post(UPDATE, id=made, status="fake", comment="ы" * 2000))
        self.assertEqual(self.history(made)[-1]["comment"], "ы" * 2000)


# ------------------------------------------------------------------ the words

READS = {
    "open": "new",
    "in_progress": "processing",
    "resolved": "completed",
    "closed": "completed",
    "cancelled": "fake",
    "fake": "fake",
    "unknown": "unknown",
}
WRITES = {
    "new": "open",
    "processing": "in_progress",
    "completed": "resolved",
    "fake": "fake",
    "unknown": "unknown",
}
STATUS_LABELS = {
    "open": {"ru": "Открыт", "en": "Open"},
    "in_progress": {"ru": "В работе", "en": "In progress"},
    "resolved": {"ru": "Решен", "en": "Resolved"},
    "closed": {"ru": "Закрыт", "en": "Closed"},
    "cancelled": {"ru": "Отменен", "en": "Cancelled"},
    "fake": {"ru": "Ложный", "en": "False alarm"},
    "unknown": {"ru": "Неизвестен", "en": "Unknown"},
}
SOURCE_LABELS = {
    "operator": {"ru": "Оператор", "en": "Operator"},
    "monitoring": {"ru": "Мониторинг", "en": "Monitoring"},
    "partner": {"ru": "Партнер", "en": "Partner"},
    "system": {"ru": "Система", "en": "System"},
    "unknown": {"ru": "Неизвестно", "en": "Unknown"},
}


class Words(Promise):
    def test_every_stored_status_is_read_through_the_lens(self) -> None:
        made = {stored: self.create_as(stored) for stored in READS}
        read = {item["id"]: item["status"] for item in self.listed()}
        self.assertEqual({stored: read[made[stored]] for stored in READS}, READS)

    def test_every_status_may_be_written_over_every_other(self) -> None:
        made = self.create("written over")
        for stored, word in itertools.product(READS, WRITES):
            with self.subTest(stored=stored, written=word):
                self.shows(self.rest("PATCH", f"{REST}{made}/", {"status": stored}))
                self.succeeds(self.post(UPDATE, id=made, status=word))
                kept = stored if READS[stored] == word else WRITES[word]
                self.assertEqual(self.one(made)["status"], kept)

    def test_the_five_filters_part_all_incidents_by_what_is_read(self) -> None:
        made = {self.create_as(stored): READS[stored] for stored in READS}
        for word in WRITES:
            items = self.listed(status=word)
            self.assertEqual({item["status"] for item in items}, {word})
            expected = {incident for incident, read in made.items() if read == word}
            self.assertEqual(expected, set(made) & set(ids(items)), word)

    def test_every_stored_source_is_read_through_the_lens(self) -> None:
        for stored in SOURCE_LABELS:
            fields = {"description": marked(), "source": stored}
            made = self.shows(self.rest("POST", REST, fields), 201)
            self.assertEqual(made["source"], stored)
            read = "unknown" if stored == "system" else stored
            self.assertEqual(self.item(made["id"])["source"], read)

    def test_every_source_is_stored_as_it_is_written(self) -> None:
        for source in ("operator", "monitoring", "partner", "unknown"):
            self.assertEqual(self.one(self.create(source=source))["source"], source)

    def test_statuses_have_labels_in_the_language_of_the_request(self) -> None:
        path = f"{REST}{self.create()}/"
        for status, labels in STATUS_LABELS.items():
            for language, label in labels.items():
                answer = self.rest("PATCH", path, {"status": status}, Accept_Language=language)
                self.assertEqual(self.shows(answer)["status_display"], label)

    def test_sources_have_labels_in_the_language_of_the_request(self) -> None:
        for source, labels in SOURCE_LABELS.items():
            for language, label in labels.items():
                fields = {"description": marked(), "source": source}
                answer = self.rest("POST", REST, fields, Accept_Language=language)
                self.assertEqual(self.shows(answer, 201)["source_display"], label)

    @own_server_only
    def test_labels_are_russian_when_the_request_names_no_language_of_ours(self) -> None:
        path = f"{REST}{self.create()}/"
        for language in ("", "*", "de, fr;q=0.5"):
            answer = self.rest("GET", path, Accept_Language=language)
            self.assertEqual(self.shows(answer)["status_display"], "Открыт")

    def test_the_errors_of_the_post_dialect_are_english_in_any_language(self) -> None:
        self.fails(service().post(CREATE, {}, Accept_Language="ru"), 400, "Token is required")


# ------------------------------------------------------------------ REST

WHOLE = {"id", "description", "status", "status_display", "source", "source_display"} | {
    "created_at",
    "updated_at",
}


class RestCallers(Promise):
    @own_server_only
    def test_nobody_in_particular_gets_401_and_is_told_how_to_get_a_token(self) -> None:
        for method, path in (("GET", REST), ("POST", REST), ("PATCH", f"{REST}1/")):
            answer = service().rest(method, path, {})
            self.assertIn(AUTHORIZATION, self.explains(answer, 401))
            self.assertRegex(str(answer.headers["WWW-Authenticate"]), "^Bearer", answer)

    def test_a_wrong_token_gets_401(self) -> None:
        for value in ("wrong", "", "a b", f"inc_{'A' * 43}"):
            answer = service().rest("GET", REST, **bearer(value))
            self.explains(answer, 401)
            self.assertRegex(str(answer.headers["WWW-Authenticate"]), "^Bearer", answer)

    def test_a_session_may_read_and_writes_with_csrf_only(self) -> None:
        spoken = {"Accept": "application/json", "Content_Type": "application/json"}
        fields = json.dumps({"description": marked(), "source": "operator"}).encode()
        self.shows(admin().request("GET", REST, **spoken))
        self.explains(admin().request("POST", REST, fields, **spoken), 403)
        spoken["X_CSRFToken"] = admin().cookies["csrftoken"].value
        self.shows(admin().request("POST", REST, fields, **spoken), 201)

    def test_a_browser_is_shown_a_page(self) -> None:
        answer = admin().request("GET", REST, Accept="text/html")
        self.assertEqual((answer.status, answer.headers.get_content_type()), (200, "text/html"))


class RestIncidents(Promise):
    def send(self, **fields: Any) -> Answer:
        right = {"description": marked(), "source": "operator"}
        return self.rest("POST", REST, right | fields)

    def test_a_new_incident_is_shown_whole_open_and_where_it_is(self) -> None:
        text = marked("Точка не отвечает")
        answer = self.send(description=text, source="monitoring")
        made = self.shows(answer, 201)
        self.assertLessEqual(WHOLE, set(made))
        expected = {"description": text, "status": "open", "status_display": "Open"}
        expected |= {"source": "monitoring", "source_display": "Monitoring"}
        self.assertEqual(made | expected, made)
        path = urlsplit(answer.headers["Location"]).path
        self.assertEqual(path, f"{REST}{made['id']}/")
        self.assertEqual(self.shows(self.rest("GET", path)), made)

    def test_both_path_spellings_work_for_every_method(self) -> None:
        fields = {"description": marked("no slash"), "source": "operator"}
        path = f"{REST}{self.shows(self.rest('POST', REST[:-1], fields), 201)['id']}"
        self.shows(self.rest("GET", REST[:-1]))
        for slash in ("", "/"):
            self.shows(self.rest("GET", path + slash))
            self.shows(self.rest("PUT", path + slash, {"status": "fake"}))
            self.shows(self.rest("PATCH", path + slash, {"status": "open"}))
            self.shows(self.rest("GET", f"{path}/history{slash}"))
            self.explains(self.rest("DELETE", path + slash), 405)

    def test_a_given_created_at_is_kept(self) -> None:
        made = self.shows(self.send(created_at="2025-11-11T23:08:12.266Z"), 201)
        self.assertEqual(moment(made["created_at"]), moment("2025-11-11T23:08:12.266Z"))

    @own_server_only
    def test_times_are_shown_in_moscow_unless_configured(self) -> None:
        made = self.shows(self.send(created_at="2025-11-09T11:37:53.454525Z"), 201)
        self.assertEqual(made["created_at"], "2025-11-09T14:37:53.454525+03:00")
        self.assertTrue(made["updated_at"].endswith("+03:00"), made)

    def test_wrong_fields_are_named(self) -> None:
        long = marked().ljust(10_001, "ы")
        faults: dict[str, list[Any]] = {
            "description": [None, "", " ", [], {}, True, marked("\0"), long],
            "source": [None, "", "radio", 1, ["operator"]],
            "created_at": ["", "yesterday", "9999-12-31T23:59:59-12:00", 1, []],
            "idempotency_key": ["a key", "k" * 201],
        }
        for name, wrong in faults.items():
            for value in wrong:
                with self.subTest(**{name: f"{value!r:.40}"}):
                    said = self.shows(self.send(**{name: value}), 400)
                    self.assertEqual(list(said), [name])
                    self.assertTrue(all(isinstance(line, str) for line in said[name]))

    def test_the_bodies_of_errors_are_rest_frameworks_own(self) -> None:
        required = ["This field is required."]
        self.assertEqual(
            self.shows(self.rest("POST", REST, {}), 400),
            {"description": required, "source": required},
        )
        self.assertEqual(
            self.shows(self.send(source="radio"), 400),
            {"source": ['"radio" is not a valid choice.']},
        )

    def test_a_body_that_is_not_json_is_400_with_a_detail(self) -> None:
        headers = bearer(token("olga")) | {"Content-Type": "application/json"}
        for body in (b"{", b"\xff", b'{"description": NaN}', b"[" * 100_000):
            self.explains(service().request("POST", REST, body, headers), 400)

    @own_server_only
    def test_a_body_that_is_too_large_is_413_with_a_detail(self) -> None:
        fields = {"description": "x" * 4096, "source": "operator"}
        self.explains(odd_service().rest("POST", REST, fields), 413)

    def test_an_incident_that_is_not_there_is_404(self) -> None:
        for number in (*NO_SUCH_NUMBER, "9" * 100, "x", "1.5"):
            for path in (f"{REST}{number}/", f"{REST}{number}/history/"):
                answer = self.rest("GET", path)
                self.assertEqual(answer.status, 404, answer)
            answer = self.rest("PATCH", f"{REST}{number}/", {"status": "fake"})
            self.assertEqual(answer.status, 404, answer)

    def test_delete_is_405(self) -> None:
        made = self.create()
        for path in (REST, f"{REST}{made}/", f"{REST}{made}/history/"):
            answer = self.rest("DELETE", path)
            self.explains(answer, 405)
            self.assertNotIn("DELETE", answer.headers["Allow"])
        self.one(made)

    def test_put_and_patch_change_the_status_and_nothing_else(self) -> None:
        before = self.one(self.create("as it was", source="partner"))
        for method, status in (("PUT", "in_progress"), ("PATCH", "resolved")):
            fields = {"status": status, "description": "other", "source": "system", "id": 1}
            changed = self.shows(self.rest(method, f"{REST}{before['id']}/", fields))
            self.assertLessEqual(WHOLE, set(changed))
            self.assertEqual(changed["status"], status)
            for kept in ("id", "description", "source", "created_at"):
                self.assertEqual(changed[kept], before[kept])
            self.assertGreater(moment(changed["updated_at"]), moment(before["updated_at"]))

    def test_patch_with_nothing_changes_nothing(self) -> None:
        made = self.create()
        before = self.one(made)
        self.assertEqual(self.shows(self.rest("PATCH", f"{REST}{made}/", {})), before)
        self.assertEqual(len(self.history(made)), 1)

    def test_a_wrong_change_is_400_and_changes_nothing(self) -> None:
        made = self.create()
        path = f"{REST}{made}/"
        for method in ("PUT", "PATCH"):
            for status in ("new", "processing", "", None, ["fake"]):
                said = self.shows(self.rest(method, path, {"status": status}), 400)
                self.assertEqual(list(said), ["status"])
            for comment in ("ы" * 2001, ["seen"]):
                fields = {"status": "fake", "comment": comment}
                said = self.shows(self.rest(method, path, fields), 400)
                self.assertEqual(list(said), ["comment"])
        said = self.shows(self.rest("PUT", path, {}), 400)
        self.assertEqual(said, {"status": ["This field is required."]})
        self.assertEqual(self.one(made)["status"], "open")
        self.assertEqual(len(self.history(made)), 1)


class RestIdempotency(Promise):
    def setUp(self) -> None:
        self.key = f"{MARK}-{secrets.token_hex(4)}"

    def by_header(self, who: str = "olga", source: str = "operator") -> Answer:
        fields = {"description": marked("once"), "source": source}
        return self.rest("POST", REST, fields, who, Idempotency_Key=self.key)

    def by_field(self, who: str = "olga", source: str = "operator") -> Answer:
        fields = {"description": marked("once"), "source": source, "idempotency_key": self.key}
        return self.rest("POST", REST, fields, who)

    def test_the_same_key_again_is_the_first_incident_however_it_is_sent(self) -> None:
        first = self.shows(self.by_header(), 201)
        self.assertEqual(self.shows(self.by_header(), 200), first)
        self.assertEqual(self.shows(self.by_field(), 200), first)

    def test_other_content_under_the_same_key_is_409_with_a_detail(self) -> None:
        self.shows(self.by_field(), 201)
        self.explains(self.by_field(source="partner"), 409)
        self.explains(self.by_header(source="partner"), 409)

    def test_another_user_may_use_the_same_key(self) -> None:
        first, other = self.by_header(), self.by_header("oleg", source="partner")
        self.assertNotEqual(self.shows(first, 201)["id"], self.shows(other, 201)["id"])

    def test_a_wrong_key_in_the_header_is_400(self) -> None:
        for wrong in ("a key", "k" * 201):
            self.key = wrong
            self.shows(self.by_header(), 400)


class RestLists(Promise):
    def test_a_page_has_20_incidents_and_leads_to_the_next(self) -> None:
        made = [self.create("one of 25") for _ in range(25)]
        query = urlencode({"search": marked("one of 25")})
        first = self.shows(self.rest("GET", f"{REST}?{query}"))
        self.assertEqual((first["count"], len(first["results"])), (25, 20))
        self.assertIsNone(first["previous"])
        second = self.shows(self.rest("GET", relative(first["next"])))
        self.assertEqual((second["count"], second["next"]), (25, None))
        self.assertEqual(ids(first["results"] + second["results"]), made[::-1])
        back = self.shows(self.rest("GET", relative(second["previous"])))
        self.assertEqual(back["results"], first["results"])

    def test_page_and_page_size_are_the_callers(self) -> None:
        made = [self.create("one of 5") for _ in range(5)]
        self.assertEqual(self.found("one of 5", page_size=2, page=2), [made[2], made[1]])
        query = urlencode({"search": MARK, "page": 10_000})
        self.explains(self.rest("GET", f"{REST}?{query}"), 404)

    @own_server_only
    def test_a_page_has_1000_incidents_at_most(self) -> None:
        many_incidents()
        page = self.shows(odd_service().rest("GET", f"{REST}?page_size=5000"))
        self.assertEqual(len(page["results"]), 1000)

    def test_status_and_source_filter_by_the_stored_word(self) -> None:
        made = {stored: self.create_as(stored) for stored in READS}
        for stored in READS:
            self.assertIn(made[stored], self.found(f"is {stored}", status=stored))
        self.assertEqual(self.found("is closed", status="resolved"), [])
        partner = self.create("by source", source="partner")
        self.create("by source", source="monitoring")
        self.assertEqual(self.found("by source", source="partner"), [partner])

    def test_an_unknown_word_in_a_filter_is_400(self) -> None:
        for name, value in (
            ("status", "burning"),
            ("status", "new"),
            ("source", "radio"),
            ("created_after", "yesterday"),
            ("created_before", "2025-13-01"),
            ("ordering", "description"),
        ):
            answer = self.rest("GET", f"{REST}?{urlencode({name: value})}")
            self.assertEqual(list(self.shows(answer, 400)), [name])

    def test_an_empty_filter_means_all(self) -> None:
        made = self.create("empty filters")
        names = ("status", "source", "created_after", "created_before", "ordering")
        self.assertEqual(self.found("empty filters", **dict.fromkeys(names, "")), [made])
        self.shows(self.rest("GET", f"{REST}?search="))

    def test_created_after_and_before_cut_by_the_moment(self) -> None:
        days = ("2025-03-01", "2025-03-02", "2025-03-03")
        made = [self.create("by date", date=f"{day}T12:00:00Z") for day in days]
        first, second = "2025-03-02T00:00:00Z", "2025-03-03T03:00:00+03:00"
        self.assertEqual(self.found("by date", created_after=first), [made[2], made[1]])
        self.assertEqual(self.found("by date", created_before=first), [made[0]])
        between = self.found("by date", created_after=first, created_before=second)
        self.assertEqual(between, [made[1]])

    def test_ordering_is_by_creation_or_by_change_either_way(self) -> None:
        old = self.create("ordered", date="2025-03-01T12:00:00Z")
        new = self.create("ordered", date="2025-03-02T12:00:00Z")
        self.shows(self.rest("PATCH", f"{REST}{old}/", {"status": "fake"}))
        self.assertEqual(self.found("ordered"), [new, old])
        self.assertEqual(self.found("ordered", ordering="-created_at"), [new, old])
        self.assertEqual(self.found("ordered", ordering="created_at"), [old, new])
        self.assertEqual(self.found("ordered", ordering="-updated_at"), [old, new])
        self.assertEqual(self.found("ordered", ordering="updated_at"), [new, old])

    def test_search_reads_russian_as_people_do_and_signs_as_they_stand(self) -> None:
        made = self.create("Найден Самокат: заряд 50%, колёса_целы")
        self.assertEqual(self.found("найден самокат"), [made])
        self.assertEqual(self.found("НАЙДЕН САМОКАТ: ЗАРЯД 50%, КОЛЕСА_"), [made])
        self.assertEqual(self.found("найден самокат: заряд 5%,"), [])
        self.assertEqual(self.found("найден_самокат"), [])


class History(Promise):
    def test_it_tells_what_was_done_by_whom_through_which_door(self) -> None:
        made = self.create()
        self.succeeds(self.post(UPDATE, id=made, status="processing", comment="еду"))
        self.shows(self.rest("PATCH", f"{REST}{made}/", {"status": "resolved"}, "oleg"))
        note = {"status": "resolved", "comment": "на месте"}
        self.shows(self.rest("PUT", f"{REST}{made}/", note, "oleg"))

        events = self.history(made)
        olga, oleg = (account(name).login.username for name in ("olga", "oleg"))
        self.assertEqual(
            [(event["kind"], event["by"], event["door"], event["comment"]) for event in events],
            [
                ("created", olga, "post", ""),
                ("status_changed", olga, "post", "еду"),
                ("status_changed", oleg, "rest", ""),
                ("commented", oleg, "rest", "на месте"),
            ],
        )
        created, taken, resolved, _ = events
        self.assertEqual(created["status_to"], "open")
        self.assertEqual((taken["status_from"], taken["status_to"]), ("open", "in_progress"))
        self.assertEqual(resolved["status_from_display"], "In progress")
        self.assertEqual(resolved["status_to_display"], "Resolved")
        times = [moment(event["at"]) for event in events]
        self.assertEqual(times, sorted(times))

    def test_a_write_that_changes_nothing_adds_no_event(self) -> None:
        made = self.create_as("closed")
        before = self.history(made)
        self.succeeds(self.post(UPDATE, id=made, status="completed"))
        self.shows(self.rest("PATCH", f"{REST}{made}/", {"status": "closed"}))
        self.assertEqual(self.history(made), before)
        self.assertEqual(self.one(made)["status"], "closed")


# ------------------------------------------------------------------ the old READMEs


@own_server_only
class FirstReadme(Promise):
    """Its requests to the letter, and every key of the answers that it shows."""

    def test_authorize_create_update_and_list(self) -> None:
        who = account("olga").login
        fields = {"username": who.username, "password": who.password}
        mine = self.succeeds(service().post(AUTHORIZATION, fields))["token"]

        date = "2025-11-11T23:08:12.266Z"
        fields = {"incident": f"some incident {date}", "source": "operator", "date": date}
        answer = service().post(CREATE, {"token": mine} | fields)
        made = self.succeeds(answer, 201)["id"]

        answer = service().post(UPDATE, {"token": mine, "id": made, "status": "completed"})
        self.assertEqual(self.succeeds(answer), {})

        answer = service().post(GET_ALL, {"token": mine, "status": "completed"})
        incidents = self.succeeds(answer)["incidents"]
        [item] = [item for item in incidents if item["id"] == made]
        shown = {"incident": f"some incident {date}", "status": "completed"}
        shown |= {"source": "operator", "created_at": date}
        self.assertEqual(item | shown, item)


@own_server_only
class SecondReadme(Promise):
    """Its requests to the letter: REST_PUBLIC=true asks for no login and answers in Russian."""

    def ask(self, method: str, path: str, fields: object = None) -> Answer:
        body = None if fields is None else json.dumps(fields).encode()
        return odd_service().request(method, path, body, {"Content-Type": "application/json"})

    def test_create_show_and_change(self) -> None:
        fields = {"description": "Точка не отвечает", "source": "monitoring"}
        made = self.shows(self.ask("POST", REST, fields), 201)
        shown = {"status_display": "Открыт", "source_display": "Мониторинг"}
        self.assertEqual(made | fields | shown, made)
        path = f"{REST}{made['id']}/"
        self.assertEqual(self.shows(self.ask("GET", path)), made)
        for method in ("PUT", "PATCH"):
            changed = self.shows(self.ask(method, path, {"status": "in_progress"}))
            self.assertEqual(changed["status_display"], "В работе")

    def test_list_with_its_parameters(self) -> None:
        fields = {"description": "Самокат не в сети", "source": "partner"}
        made = self.shows(self.ask("POST", REST, fields), 201)
        for ordering in ("created_at", "-created_at"):
            path = f"{REST}?status=open&source=partner&ordering={ordering}"
            page = self.shows(self.ask("GET", path))
            self.assertLessEqual({"count", "next", "previous", "results"}, set(page))
            self.assertIn(made, page["results"])
        for name in ("created_at", "updated_at"):
            self.assertRegex(made[name], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+03:00$")

    def test_its_words_are_known(self) -> None:
        for status in ("open", "in_progress", "resolved", "closed", "cancelled"):
            self.shows(self.ask("GET", f"{REST}?status={status}"))
        for source in ("operator", "monitoring", "partner", "system"):
            self.shows(self.ask("GET", f"{REST}?source={source}"))

    def test_the_admin_is_where_it_was(self) -> None:
        leads_to = self.ask("GET", "/admin/")
        self.assertEqual(leads_to.status, 302)
        self.assertIn("/admin/login/", leads_to.headers["Location"])


# ------------------------------------------------------------------ the server itself


class Health(Promise):
    def test_it_says_that_it_is_alive_and_ready(self) -> None:
        for path in ("/healthz", "/readyz"):
            self.assertEqual(service().request("GET", path).status, 200)


@own_server_only
class BusyDatabase(Promise):
    def setUp(self) -> None:
        """Hold the write lock from outside, as a backup gone wrong would."""
        self.token = odd_service().token(odd_service().admin)
        files = [path for path in odd_service().data.rglob("*") if path.is_file()]
        [database] = [path for path in files if path.read_bytes().startswith(b"SQLite format")]
        # A token's first call notes its use, which is a write of its own.
        self.read()
        holder = sqlite3.connect(database, isolation_level=None)
        self.addCleanup(holder.close)
        holder.execute("BEGIN IMMEDIATE")

    def test_a_write_is_503_in_both_dialects_and_may_be_tried_again(self) -> None:
        fields = {"token": self.token, "incident": "busy", "source": "operator"}
        with ThreadPoolExecutor(2) as pool:
            waiting = pool.submit(odd_service().post, CREATE, fields)
            rest = pool.submit(odd_service().rest, "POST", REST, SMALL).result()
            post = waiting.result()
        self.fails(post, 503, "Service is busy, try again")
        self.explains(rest, 503)
        for answer in (post, rest):
            self.assertGreater(int(answer.headers["Retry-After"]), 0)

    def read(self) -> Answer:
        return odd_service().post(GET_ALL, {"token": self.token, "limit": 1})

    def test_reads_go_on(self) -> None:
        self.assertIn(self.read().status, (200, 404))


@own_server_only
class SecondStart(Promise):
    def ask(self, method: str, path: str) -> Answer:
        headers = bearer(restarted_service().kept_token) | {"X-Forwarded-Proto": "https"}
        return restarted_service().request(method, path, None, headers)

    def kept(self) -> Any:
        return self.shows(self.ask("GET", f"{REST}{restarted_service().kept_incident}/"))

    def test_what_was_acknowledged_is_kept_and_tokens_live_on(self) -> None:
        self.assertEqual(self.kept()["description"], "acknowledged")

    def test_the_administrators_password_stays_as_it_was(self) -> None:
        secure = {"X_Forwarded_Proto": "https"}
        served = restarted_service()
        self.succeeds(served.log_in(served.admin, **secure))
        self.fails(served.log_in(served.other_admin, **secure), 401, "Invalid credentials")

    def test_language_and_time_zone_are_settings(self) -> None:
        self.assertEqual(self.kept()["status_display"], "Open")
        self.assertTrue(self.kept()["created_at"].endswith("+05:00"), self.kept())

    def test_behind_tls_cookies_are_secure_and_the_browser_is_told_to_stay(self) -> None:
        answer = self.ask("GET", "/admin/login/")
        self.assertIn("Strict-Transport-Security", answer.headers)
        cookies = answer.headers.get_all("Set-Cookie", [])
        self.assertTrue(cookies)
        self.assertTrue(all("secure" in cookie.lower() for cookie in cookies), cookies)

    def test_the_data_are_for_their_owner_only(self) -> None:
        data = restarted_service().data
        self.assertEqual(data.stat().st_mode & 0o777, 0o700)
        # By name: SQLite removes files of its own whenever nobody has the database open.
        modes = {path.name: path.stat().st_mode & 0o777 for path in data.glob("*secret*")}
        self.assertEqual(set(modes.values()), {0o600}, modes)

    def test_the_log_holds_no_password_and_no_token(self) -> None:
        log = restarted_service().log.read_text()
        self.assertIn(CREATE, log)
        self.assertNotIn(restarted_service().admin.password, log)
        self.assertNotIn(restarted_service().kept_token, log)


@own_server_only
class Settings(Promise):
    WRONG = {
        "DATABASE_URL": "mysql://somewhere/incidents",
        "TOKEN_TTL": "soon",
        "TIME_ZONE": "Mars/Olympus",
        "REST_PUBLIC": "perhaps",
    }

    def test_a_wrong_value_stops_the_start_with_one_line_that_names_it(self) -> None:
        folder = self.enterContext(tempfile.TemporaryDirectory())
        for name, wrong in self.WRONG.items():
            with self.subTest(name):
                environment = os.environ | DEFAULTS | {"DATA_DIR": folder, name: wrong}
                start = subprocess.run(
                    SERVE,
                    cwd=PROJECT,
                    env=environment,
                    capture_output=True,
                    text=True,
                    timeout=30,
                    check=False,
                )
                self.assertNotEqual(start.returncode, 0)
                said = (start.stdout + start.stderr).strip()
                self.assertRegex(said, rf"\A[^\n]*{name}[^\n]*\Z")

    def test_a_secret_may_come_from_the_file_that_its_setting_names(self) -> None:
        written = Login(odd_service().admin.username, odd_service().secret.read_text())
        self.succeeds(odd_service().log_in(written))


# ------------------------------------------------------------------ the line at the end


def summary(result: unittest.TestResult) -> str:
    # A test fails once, however many of its subtests do; the start and the end of it all may fail too.
    failed = {getattr(test, "test_case", test) for test, _ in result.failures + result.errors}
    tests = [test for test in failed if isinstance(test, unittest.TestCase)]
    passed = result.testsRun - len(tests) - len(result.skipped)
    counts = f"{passed} passed, {len(failed)} failed"
    return f"{counts}, {len(result.skipped)} skipped" if result.skipped else counts


def main() -> int:
    if GIVEN_URL and not {"ADMIN_USERNAME", "ADMIN_PASSWORD"} <= set(os.environ):
        print("tests.py: ADMIN_USERNAME and ADMIN_PASSWORD are needed in the environment")
        return 2
    try:
        arguments = [word for word in sys.argv if word != GIVEN_URL]
        result = unittest.main(argv=arguments, exit=False).result
    finally:
        CLEANUP.close()
    print(summary(result), flush=True)
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
