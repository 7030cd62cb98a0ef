"""The POST dialect under hostile bytes: the contract's response to each, and nothing stored."""

import json
from collections.abc import Iterator

import pytest

from testing import hostile_values
from testing.hostile_bodies import NOT_ONE_OBJECT
from testing.service import Response, Service, request_bytes, served

AUTHORIZATION, LOGOUT = "/users/authorization/", "/users/logout/"
CREATE, GET_ALL, UPDATE = "/incidents/create/", "/incidents/get_all/", "/incidents/update/"
GET, BY_KEY = "/incidents/get/", "/incidents/update"
PATHS = [AUTHORIZATION, LOGOUT, CREATE, GET_ALL, GET, UPDATE]
WITH_TOKEN = PATHS[1:]
LIMIT = 262_144
STATUS_WORDS = "new, processing, completed, fake, unknown"
NO_SOURCE = "Source is required or wrong, use one of: operator, monitoring, partner, unknown"
NO_STATUS = f"Status is required or wrong, use one of: {STATUS_WORDS}"
FORBIDDEN = "Incident has forbidden characters"
NO_SEVERITY = "Severity must be one of: critical, error, warning, info"
NO_KEY = "Wrong dedup key"
NO_ASSIGNEE = "Assignee is not known"
ONLY_SOURCES = [value for value in hostile_values.BAD_SOURCES if value != "null"]

# path, the field, its bad values as JSON, the status, the error
FIELDS: list[tuple[str, str, list[str], int, str]] = [
    (
        AUTHORIZATION,
        "username",
        ["null", '""', '"\\u0000"', *hostile_values.ANY_BUT_TEXT],
        401,
        "Invalid credentials",
    ),
    (AUTHORIZATION, "password", ["null", *hostile_values.ANY_BUT_TEXT], 401, "Invalid credentials"),
    *((path, "token", hostile_values.NO_TOKENS, 400, "Token is required") for path in WITH_TOKEN),
    *((path, "token", hostile_values.BAD_TOKENS, 401, "Invalid token") for path in WITH_TOKEN),
    (CREATE, "incident", hostile_values.BLANK_TEXTS, 400, "Incident is required"),
    (CREATE, "incident", hostile_values.ANY_BUT_TEXT, 400, "Incident must be text"),
    (
        CREATE,
        "incident",
        [hostile_values.TOO_LONG_INCIDENT],
        400,
        "Incident is too long, use at most 10000 characters",
    ),
    (CREATE, "incident", hostile_values.CONTROLS, 400, FORBIDDEN),
    (CREATE, "source", hostile_values.BAD_SOURCES, 400, NO_SOURCE),
    (CREATE, "date", hostile_values.BAD_DATES, 400, "Wrong date format"),
    (CREATE, "idempotency_key", hostile_values.BAD_KEYS, 400, "Wrong idempotency key"),
    (CREATE, "severity", hostile_values.BAD_SEVERITIES, 400, NO_SEVERITY),
    (CREATE, "dedup_key", hostile_values.BAD_DEDUP_KEYS, 400, NO_KEY),
    (GET_ALL, "severity", hostile_values.BAD_SEVERITIES, 400, NO_SEVERITY),
    (GET_ALL, "source", ONLY_SOURCES, 400, NO_SOURCE.replace("is required or wrong, use", "must be")),
    (GET_ALL, "assignee", hostile_values.BAD_ASSIGNEES, 400, NO_ASSIGNEE),
    *((path, "id", ["null", '""'], 400, "ID is required") for path in (GET, UPDATE)),
    *((path, "id", hostile_values.BAD_IDS, 400, "ID must be numeric") for path in (GET, UPDATE)),
    *((path, "id", hostile_values.ABSENT_IDS, 404, "Incident have not found") for path in (GET, UPDATE)),
    *((path, "dedup_key", ['"k"', "1"], 400, "Give either id or dedup_key") for path in (GET, UPDATE)),
    (BY_KEY, "dedup_key", hostile_values.BAD_DEDUP_KEYS, 400, NO_KEY),
    (BY_KEY, "dedup_key", ['"none has it"', f'"{"x" * 100_000}"'], 404, "Incident have not found"),
    (UPDATE, "severity", hostile_values.BAD_SEVERITIES, 400, NO_SEVERITY),
    (UPDATE, "assignee", hostile_values.BAD_ASSIGNEES, 400, NO_ASSIGNEE),
    (UPDATE, "idempotency_key", hostile_values.BAD_KEYS, 400, "Wrong idempotency key"),
    (GET_ALL, "status", hostile_values.BAD_STATUSES, 400, f"Status must be one of: {STATUS_WORDS}"),
    (GET_ALL, "limit", hostile_values.BAD_LIMITS, 400, "Limit must be a whole number from 1 to 1000"),
    (GET_ALL, "cursor", hostile_values.BAD_CURSORS, 400, "Wrong cursor"),
    (UPDATE, "status", ["null", *hostile_values.BAD_STATUSES], 400, NO_STATUS),
    (UPDATE, "comment", hostile_values.ANY_BUT_TEXT, 400, "Comment must be text"),
    (
        UPDATE,
        "comment",
        [hostile_values.TOO_LONG_COMMENT],
        400,
        "Comment is too long, use at most 2000 characters",
    ),
    (UPDATE, "comment", hostile_values.CONTROLS, 400, "Comment has forbidden characters"),
]


class Victim:
    """A running service with one incident, and good calls of every endpoint to be spoiled."""

    def __init__(self, service: Service) -> None:
        self.service = service
        token = service.token()
        made = service.post(CREATE, token=token, incident="Самокат не в сети", source="operator")
        self.good = {
            AUTHORIZATION: {"username": "admin", "password": "wrong"},
            LOGOUT: {"token": service.token()},
            CREATE: {"token": token, "incident": "x", "source": "operator"},
            GET_ALL: {"token": token},
            GET: {"token": token, "id": made.json()["data"]["id"]},
            UPDATE: {"token": token, "id": made.json()["data"]["id"], "status": "new"},
            BY_KEY: {"token": token, "status": "completed", "comment": "x"},
        }
        self.listing = self.state()

    def state(self) -> bytes:
        return self.service.post(GET_ALL, **self.good[GET_ALL]).body

    def spoiled(self, path: str, field: str, value: str) -> bytes:
        """Write the good body with one field's JSON replaced."""
        kept = [
            f"{json.dumps(name)}: {json.dumps(good)}"
            for name, good in self.good[path].items()
            if name != field
        ]
        return ("{" + ", ".join([*kept, f"{json.dumps(field)}: {value}"]) + "}").encode()

    def must_refuse(self, response: Response, status: int, error: str) -> None:
        assert response.headers["content-type"] == "application/json", response
        envelope = response.json()
        assert (response.status, envelope["error"]) == (status, error), response
        assert (envelope["success"], envelope["status"], envelope["data"]) == (False, status, {})
        assert self.state() == self.listing


@pytest.fixture(scope="module")
def victim() -> Iterator[Victim]:
    with served() as service:
        yield Victim(service)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("wrong", NOT_ONE_OBJECT)
def test_what_is_not_one_json_object_is_refused(victim: Victim, path: str, wrong: str) -> None:
    response = victim.service.send("POST", path, NOT_ONE_OBJECT[wrong], Content_Type="application/json")
    victim.must_refuse(response, 400, "Invalid JSON")


@pytest.mark.parametrize(
    ("path", "field", "value", "status", "error"),
    [
        pytest.param(
            path,
            field,
            value,
            status,
            error,
            id=f"{path} {field} {value[:40]}".encode("unicode_escape").decode(),
        )
        for path, field, bad, status, error in FIELDS
        for value in bad
    ],
)
def test_a_bad_value_has_its_own_error(
    victim: Victim, path: str, field: str, value: str, status: int, error: str
) -> None:
    response = victim.service.send("POST", path, victim.spoiled(path, field, value))
    victim.must_refuse(response, status, error)


@pytest.mark.parametrize("path", [*PATHS, *(path.rstrip("/") for path in PATHS)])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
def test_other_methods_are_refused(victim: Victim, method: str, path: str) -> None:
    response = victim.service.send(method, path, b'{"token": "x"}')
    assert response.headers["allow"] == "POST"
    victim.must_refuse(response, 405, "POST required")


@pytest.mark.parametrize("path", PATHS)
def test_head_is_refused_without_a_body(victim: Victim, path: str) -> None:
    response = victim.service.send("HEAD", path)
    assert (response.status, response.headers["allow"], response.body) == (405, "POST", b"")


@pytest.mark.parametrize("path", PATHS)
def test_a_body_over_the_limit_is_refused(victim: Victim, path: str) -> None:
    body = b'{"incident": "' + b"x" * LIMIT + b'"}'
    victim.must_refuse(victim.service.send("POST", path, body), 413, "Request body is too large")


@pytest.mark.parametrize("path", PATHS)
def test_an_announced_body_over_the_limit_is_refused_unsent(victim: Victim, path: str) -> None:
    response = victim.service.send("POST", path, b"{", Content_Length=str(LIMIT + 1))
    victim.must_refuse(response, 413, "Request body is too large")


@pytest.mark.parametrize("path", PATHS)
def test_a_chunked_body_over_the_limit_is_refused(victim: Victim, path: str) -> None:
    chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
    body = chunk * (LIMIT // 0x8000 + 1) + b"0\r\n\r\n"
    head = request_bytes("POST", path, Content_Length="", Transfer_Encoding="chunked")
    victim.must_refuse(victim.service.raw(head + body), 413, "Request body is too large")


def test_a_chunked_body_within_the_limit_is_read(victim: Victim) -> None:
    body = json.dumps(victim.good[GET_ALL]).encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:10], body[10:])) + b"0\r\n\r\n"
    head = request_bytes("POST", GET_ALL, Content_Length="", Transfer_Encoding="chunked")
    assert victim.service.raw(head + chunks).body == victim.listing


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "a b", "127.0.0.1.evil.example"])
def test_an_unknown_host_is_refused(victim: Victim, path: str, host: str) -> None:
    response = victim.service.send("POST", path, b"{}", Host=host)
    victim.must_refuse(response, 400, "Unknown host name, see ALLOWED_HOSTS")


@pytest.mark.parametrize(
    "path",
    [
        "/users/",
        "/incidents/",
        "/users/x/",
        "/incidents/create/x/",
        "/incidents//create/",
        "/incidents/create/%00",
        "/users/%D1%8F",
        "/incidents/1/",
    ],
)
def test_a_wrong_path_below_the_prefixes_is_an_envelope(victim: Victim, path: str) -> None:
    victim.must_refuse(victim.service.send("POST", path, b"{}"), 404, "Not found")
