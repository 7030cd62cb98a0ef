"""REST under hostile bytes: an error of Django REST Framework's own shape, and nothing stored."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from testing import hostile_values
from testing.hostile_bodies import NOT_ONE_OBJECT
from testing.service import Response, Service, request_bytes, served

LIST = "/api/incidents/"
LIMIT = 262_144

# Text fields take a number as its digits, which is DRF's convention.
NOT_TEXT = ["true", "false", "[]", '["x"]', "{}", '{"a": "b"}']
SURROGATE = '"\\ud83d"'
CREATED_AT = [
    *('"now"', '"23:08:12Z"', '"2025-W46-2T23:08:12Z"', '"2025-11-11T24:00:00Z"', '"2016-12-31T23:59:60Z"'),
    *(
        '"2025-13-01T00:00:00Z"',
        '"2025-02-29T00:00:00Z"',
        '"0000-01-01T00:00:00Z"',
        '"0001-01-01T00:00:00+14:00"',
    ),
    *(
        '"9999-12-31T23:59:59-12:00"',
        '"9999-12-31T23:59:59"',
        '"0001-01-01T00:00:00"',
        '"1969-12-31T20:59:59Z"',
    ),
    *('"2201-01-01T00:00:00Z"', "1", "true", "[]", "{}", "9" * 5000, "1e400", '"\\u0000"'),
]
CREATE_FIELDS: dict[str, list[str]] = {
    "description": [
        "null",
        '""',
        '" "',
        '"\\t\\n"',
        *NOT_TEXT,
        *hostile_values.CONTROLS,
        hostile_values.TOO_LONG_INCIDENT,
    ],
    "source": [
        "null",
        '""',
        '"Operator"',
        '"operator "',
        '"оператор"',
        '"operator\\u0000"',
        *hostile_values.ANY_BUT_TEXT,
    ],
    "created_at": CREATED_AT,
    "idempotency_key": [
        '""',
        '" "',
        '"a b"',
        '"ключ"',
        '"a\\u0000"',
        '"\\u007f"',
        f'"{"k" * 201}"',
        *NOT_TEXT,
    ],
    "severity": hostile_values.BAD_SEVERITIES,
    "dedup_key": ['""', '" "', '"\\u00a0\\u2003"', *hostile_values.CONTROLS, *NOT_TEXT],
}
CHANGE_FIELDS: dict[str, list[str]] = {
    "status": [
        "null",
        '""',
        '"new"',
        '"completed"',
        '"Open"',
        '"open "',
        '"open\\u0000"',
        *hostile_values.ANY_BUT_TEXT,
    ],
    "comment": [*NOT_TEXT, *hostile_values.CONTROLS, hostile_values.TOO_LONG_COMMENT],
    "severity": hostile_values.BAD_SEVERITIES,
    "assignee": hostile_values.BAD_ASSIGNEES,
    "idempotency_key": CREATE_FIELDS["idempotency_key"],
}
FILTERS = {
    "status": ["new", "Open", "open,closed", "\0", "x" * 1000, "' OR 1=1 --", "открыт"],
    "source": ["Operator", "operator ", "\0", "[]"],
    "severity": ["Error", "error ", "none", "error,info", "\0", "[]"],
    "assignee": ["nobody", "Admin", "\0", "\x1b", "' OR 1=1 --", "x" * 1000],
    "dedup_key": [" ", "\t", "\0", "a\0b", "\x1b[2J"],
    "ordering": ["id", "-id", "description", "created_at;", "?", "--created_at", "\0", "created_at,id"],
    "created_after": ["x", "2025-13-01", "0000-01-01", "0001-01-01T00:00:00+14:00", "9" * 400, "1e400", "\0"],
    "created_before": [
        "x",
        "2025-11-09T14:37:53 03:00",
        "9999-12-31T23:59:59-12:00",
        "2025-W46-2",
        "٢٠٢٥-11-11",
        "\0",
    ],
    "search": ["\0", "a\0b"],
}
ODD_BUT_RIGHT = [
    "?dedup_key=%ED%A0%80",
    "?dedup_key=%25&assignee=none&severity=",
    "?search=%25",
    "?search=_",
    "?search=%5C",
    "?search=%27",
    "?search=%ED%A0%80",
    "?status=",
    "?ordering=",
    "?ordering=,,,",
    "?ordering=created_at,,",
    "?page=",
    "?page=%D9%A1",
    "?page_size=x",
    "?page_size=-1",
    "?page_size=" + "9" * 400,
    "?created_after=2025-11-11",
    "?created_before=2025-11-11T23:08",
    "?unknown=1",
]
PAGES = ["0", "-1", "2", "x", "1.5", "9" * 400, "\0"]
IDS = [
    "0",
    "x",
    "1.5",
    "-1",
    "9223372036854775807",
    "9223372036854775808",
    "9" * 400,
    "1%00",
    "%D9%A1",
    "1%2F..",
    "%27",
]


class Victim:
    """A running service with one incident, and a token to call it with."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.authorization = f"Bearer {service.token()}"
        made = self.send("POST", LIST, b'{"description": "x", "source": "operator"}')
        self.one = f"{LIST}{made.json()['id']}/"
        self.listing = self.state()

    def send(self, method: str, path: str, body: bytes = b"", **headers: str) -> Response:
        usual = {
            "Authorization": self.authorization,
            "Content_Type": "application/json",
            "Accept_Language": "en",
        }
        return self.service.send(method, path, body, **(usual | headers))

    def state(self) -> tuple[bytes, bytes]:
        return self.send("GET", LIST).body, self.send("GET", f"{self.one}history/").body

    def must_refuse(self, response: Response, *statuses: int) -> Any:
        assert response.status in statuses, response
        assert response.headers["content-type"] == "application/json", response
        error = response.json()
        assert error
        assert isinstance(error, dict)
        assert self.state() == self.listing
        return error


@pytest.fixture(scope="module")
def victim() -> Iterator[Victim]:
    with served() as service:
        yield Victim(service)


def spoiled(good: dict[str, str], field: str, value: str) -> bytes:
    fields = {name: json.dumps(text) for name, text in good.items()} | {field: value}
    return ("{" + ", ".join(f"{json.dumps(name)}: {text}" for name, text in fields.items()) + "}").encode()


def cases(fields: dict[str, list[str]]) -> list[Any]:
    return [
        pytest.param(field, value, id=f"{field} {value[:40]}".encode("unicode_escape").decode())
        for field, bad in fields.items()
        for value in bad
    ]


@pytest.mark.parametrize(
    ("method", "wrong"),
    [
        (method, wrong)
        for method in ("POST", "PUT", "PATCH")
        for wrong in NOT_ONE_OBJECT
        # PATCH without a body changes nothing and is 200.
        if (method, wrong) != ("PATCH", "empty")
    ],
)
def test_what_is_not_one_json_object_is_refused(victim: Victim, method: str, wrong: str) -> None:
    path = LIST if method == "POST" else victim.one
    victim.must_refuse(victim.send(method, path, NOT_ONE_OBJECT[wrong]), 400)


@pytest.mark.parametrize(("field", "value"), cases(CREATE_FIELDS))
def test_a_bad_value_is_refused_by_its_fields_name(victim: Victim, field: str, value: str) -> None:
    good = {"description": "x", "source": "operator"}
    assert field in victim.must_refuse(victim.send("POST", LIST, spoiled(good, field, value)), 400)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize(("field", "value"), cases(CHANGE_FIELDS))
def test_a_bad_change_is_refused_by_its_fields_name(
    victim: Victim, method: str, field: str, value: str
) -> None:
    body = spoiled({"status": "resolved"}, field, value)
    assert field in victim.must_refuse(victim.send(method, victim.one, body), 400)


@pytest.mark.parametrize("wrong", ["lone high surrogate", "NaN", "duplicated key", "byte order mark"])
def test_the_header_of_the_type_may_have_a_charset(victim: Victim, wrong: str) -> None:
    response = victim.send(
        "POST", LIST, NOT_ONE_OBJECT[wrong], Content_Type="application/json; charset=utf-8"
    )
    victim.must_refuse(response, 400)


@pytest.mark.parametrize(("name", "value"), cases(FILTERS))
def test_an_unknown_value_in_a_filter_is_refused(victim: Victim, name: str, value: str) -> None:
    victim.must_refuse(victim.send("GET", f"{LIST}?{name}={quote(value)}"), 400)


@pytest.mark.parametrize("query", ODD_BUT_RIGHT)
def test_an_odd_query_is_no_server_error(victim: Victim, query: str) -> None:
    assert victim.send("GET", LIST + query).status == 200


@pytest.mark.parametrize("page", PAGES)
def test_a_page_that_is_not_there_is_not_found(victim: Victim, page: str) -> None:
    victim.must_refuse(victim.send("GET", f"{LIST}?page={quote(page)}"), 404)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH"])
@pytest.mark.parametrize("wrong", IDS)
def test_an_id_that_is_not_there_is_not_found(victim: Victim, method: str, wrong: str) -> None:
    victim.must_refuse(victim.send(method, f"{LIST}{wrong}/", b'{"status": "resolved"}'), 404)
    victim.must_refuse(victim.send("GET", f"{LIST}{wrong}/history/"), 404)


@pytest.mark.parametrize("method", ["DELETE", "TRACE", "PROPFIND", "POST"])
def test_other_methods_are_refused(victim: Victim, method: str) -> None:
    victim.must_refuse(victim.send(method, victim.one, b"{}"), 405)
    victim.must_refuse(victim.send(method.replace("POST", "PUT"), LIST, b"{}"), 405)


@pytest.mark.parametrize(
    "credentials", ["Bearer", "Bearer ", "Bearer x", f"Bearer inc_{'A' * 43}", "Bearer a b", "bearer \xff"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_dead_token_is_refused(victim: Victim, method: str, credentials: str) -> None:
    response = victim.send(
        method, LIST, b'{"description": "x", "source": "operator"}', Authorization=credentials
    )
    assert response.headers["www-authenticate"] == "Bearer"
    victim.must_refuse(response, 401)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_body_over_the_limit_is_refused(victim: Victim, method: str) -> None:
    path = LIST if method == "POST" else victim.one
    body = b'{"description": "' + b"x" * LIMIT + b'", "source": "operator", "status": "resolved"}'
    victim.must_refuse(victim.send(method, path, body), 413)
    form = b"source=operator&status=resolved&description=" + b"x" * LIMIT
    victim.must_refuse(victim.send(method, path, form, Content_Type="application/x-www-form-urlencoded"), 413)
    chunks = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
    head = request_bytes(
        method,
        path,
        Content_Length="",
        Transfer_Encoding="chunked",
        Authorization=victim.authorization,
        Content_Type="application/json",
    )
    victim.must_refuse(victim.service.raw(head + chunks * (LIMIT // 0x8000 + 1) + b"0\r\n\r\n"), 413)


@pytest.mark.parametrize(
    "media", ["text/plain", "application/xml", "x", "application/x-yaml", "application/json-patch+json"]
)
def test_another_media_type_is_refused(victim: Victim, media: str) -> None:
    victim.must_refuse(victim.send("POST", LIST, b"description: x", Content_Type=media), 415)


@pytest.mark.parametrize("key", ["a b", "\u00fc", "k" * 201])
def test_a_bad_key_in_the_header_is_refused(victim: Victim, key: str) -> None:
    headers = {"Idempotency_Key": key.encode("latin-1").decode("latin-1")}
    victim.must_refuse(
        victim.send("POST", LIST, b'{"description": "x", "source": "operator"}', **headers), 400
    )
    for method in ("PUT", "PATCH"):
        victim.must_refuse(victim.send(method, victim.one, b'{"status": "resolved"}', **headers), 400)


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example"])
def test_an_unknown_host_is_refused(victim: Victim, host: str) -> None:
    victim.must_refuse(victim.send("GET", LIST, Host=host), 400)


@pytest.mark.parametrize(
    "path", ["/api/x/", "/api/incidents/1/x/", "/api//incidents/", "/api/%00", "/api/%D1%8F/"]
)
def test_a_wrong_path_is_json(victim: Victim, path: str) -> None:
    victim.must_refuse(victim.send("GET", path), 404)
