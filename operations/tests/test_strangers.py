"""A stranger's odd headers make the service that `serve` starts log no traceback and no server error."""

import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from testing.service import Response, Service, served

FORM = "application/x-www-form-urlencoded"
NO_TEXT_CODECS = ["zlib", "hex", "rot13", "base64", "quopri", "bz2", "idna", "punycode", "undefined"]
CHARSETS = [*NO_TEXT_CODECS, "unicode_escape", "utf-16", "latin-1", "cp037", "nope", '"zlib"', "é", "\\", ""]
TYPES = [f"{media};charset={charset}" for media in ("x/y", FORM) for charset in CHARSETS]
TYPES += [f"x/y; CharSet = {charset}" for charset in CHARSETS]
TYPES += ["x/y; charset*=utf-8''zlib", "x/y; charset*0=zl; charset*1=ib", "x/y; a*=nope''%41"]
TYPES += ["x/y; a*=idna''%41..", f"x/y; a*{'9' * 4000}=b", "x/y" + ";" * 4000, 'x/y; a="; charset=zlib']
TYPES += [f"multipart/form-data; boundary*=nope''x; {charset}" for charset in ("charset=zlib", "a=b")]
PAGES = ["/healthz", "/login/", "/admin/login/", "/api/schema/", "/static/nope", "/nope", "/hooks/generic/"]
KEY = "a" * 32


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with served() as running:
        yield running


@pytest.fixture
def log_grows(service: Service) -> Iterator[None]:
    """Fail where the test has the service write a traceback."""
    log = service.folder / "log"
    before = log.stat().st_size
    yield
    written = log.read_bytes()[before:].decode()
    assert "Traceback" not in written, written[-3000:]


pytestmark = pytest.mark.usefixtures("log_grows")


def check(response: Response) -> Response:
    assert response.status < 500
    assert "x-request-id" in response.headers
    return response


@pytest.mark.parametrize("path", PAGES)
def test_a_content_type_is_no_server_error(service: Service, path: str) -> None:
    for content_type in TYPES:
        check(service.send("GET", f"{path}?next=%41", Content_Type=content_type))


@pytest.mark.parametrize(
    "path", ["/login/", "/admin/login/", "/language/", "/logout/", "/incident/1/change/"]
)
def test_a_form_in_another_charset_is_no_server_error(service: Service, path: str) -> None:
    for content_type in TYPES:
        response = service.send("POST", path, b"a=%41", Content_Type=content_type, Cookie=f"csrftoken={KEY}")
        assert check(response).status in {400, 403}, content_type


def test_the_post_dialect_reads_the_body_whatever_charset_is_named(service: Service) -> None:
    for content_type in TYPES:
        response = service.send("POST", "/incidents/get_all/?x=%41", b"{}", Content_Type=content_type)
        assert (response.status, response.json()["error"]) == (400, "Token is required"), content_type


def test_rest_reads_json_as_utf_8_and_refuses_a_form_in_another_charset(service: Service) -> None:
    by = {"Authorization": f"Bearer {service.token()}"}
    body = json.dumps({"description": "é", "source": "operator"}, ensure_ascii=False).encode()
    for charset in ("utf-8", "UTF-8", '"utf-8"', "latin-1", "zlib", "nope"):
        response = service.send(
            "POST", "/api/incidents/", body, Content_Type=f"application/json; charset={charset}", **by
        )
        assert (response.status, response.json()["description"]) == (201, "é")
    for form in (FORM, "multipart/form-data; boundary=x"):
        response = service.send(
            "POST", "/api/incidents/", b"source=%E9", Content_Type=f"{form}; charset=latin-1", **by
        )
        assert (response.status, list(response.json())) == (400, ["detail"])
    form_body = f"description={quote('é')}&source=operator".encode()
    response = service.send("POST", "/api/incidents/", form_body, Content_Type=f"{FORM}; charset=utf8", **by)
    assert (response.status, response.json()["description"]) == (201, "é")


def test_texts_of_a_query_are_utf_8_whatever_charset_is_named(service: Service) -> None:
    by = {"Authorization": f"Bearer {service.token()}"}
    for charset in ("unicode_escape", "raw_unicode_escape", "utf-16", "utf-7"):
        for escaped in (r"\ud83d", r"\x00", "+2D0-"):
            response = service.send(
                "GET",
                f"/api/incidents/?search={quote(escaped)}",
                b"",
                Content_Type=f"x/y; charset={charset}",
                **by,
            )
            assert check(response).status == 200


@pytest.mark.parametrize(
    "accept", ["text/html; a*=nope''%41", "*/*; a*=idna''%41..", f"x/y; a*{'9' * 4000}=b"]
)
def test_what_a_client_accepts_is_no_server_error(service: Service, accept: str) -> None:
    for path in ("/api/incidents/", "/api/schema/", "/api/docs/"):
        assert check(service.send("GET", path, Accept=accept)).status == 406


def test_a_form_that_cannot_be_read_gets_the_page_of_a_wrong_request(service: Service) -> None:
    too_large = service.send(
        "POST", "/login/", b"a=b", Content_Length="300000", Content_Type=FORM, Cookie=f"csrftoken={KEY}"
    )
    assert check(too_large).status == 400
    form = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n\r\n' for _ in range(101)
    )
    many = service.send(
        "POST",
        "/login/",
        form + b"--x--\r\n",
        Content_Type="multipart/form-data; boundary=x",
        Cookie=f"csrftoken={KEY}",
    )
    assert check(many).status == 400
    for response in (too_large, many):
        assert "<h1>" in response.body.decode()


def test_a_cookie_with_nul_is_no_session(service: Service) -> None:
    for key in (r'"\000aaaaaaaaaaaa"', r'"\377"', '"' + r"\141" * 32 + '"', "x" * 4000):
        for path in ("/", "/admin/", "/api/incidents/", "/nope"):
            check(service.send("GET", path, Cookie=f"sessionid={key}; csrftoken={key}"))
