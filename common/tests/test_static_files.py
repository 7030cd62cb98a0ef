import gzip
import re
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.test import Client

from incidents.models import Incident
from testing.clients import Post, Rest, new_client
from users.models import User

pytestmark = pytest.mark.django_db
GZIP = {"Accept-Encoding": "gzip, br"}
NAME = "web/page.css"


@pytest.fixture
def content() -> bytes:
    path = finders.find(NAME)
    assert path is not None
    return Path(path).read_bytes()


def get(url: str, **headers: str) -> Any:
    """Return the response with all of its content in `body`, closed as a server does."""
    response: Any = new_client().get(
        url, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    response.body = b"".join(response)
    response.close()
    return response


def test_a_name_with_the_present_hash_is_kept_for_a_year(content: bytes) -> None:
    url = static(NAME)
    assert re.fullmatch(r"/static/web/page\.[0-9a-f]{12}\.css", url)
    response = get(url)
    assert response["Cache-Control"] == "max-age=31536000, public, immutable"
    assert response.body == content


@pytest.mark.parametrize("name", ["web/page.css", "web/page.0123456789ab.css"])
def test_a_name_without_it_gets_the_present_file_for_a_minute(content: bytes, name: str) -> None:
    response = get(f"/static/{name}")
    assert response["Cache-Control"] == "max-age=60, public"
    assert response.body == content


def test_the_finders_know_names_with_a_hash() -> None:
    for name in (NAME, "web/page.0123456789ab.css", static(NAME).removeprefix("/static/")):
        assert finders.find(name) == finders.find(NAME)
    assert finders.find("web/nothing.0123456789ab.css") is None


def test_a_name_that_no_file_has_is_not_found(db: None) -> None:
    assert get("/static/web/nothing.0123456789ab.css").status_code == HTTPStatus.NOT_FOUND


def test_files_are_compressed_where_the_browser_takes_it(content: bytes) -> None:
    response = get(static(NAME), Accept_Encoding="gzip, br")
    assert response["Content-Encoding"] == "gzip"
    assert int(response["Content-Length"]) == len(response.body) < len(content) / 2
    assert gzip.decompress(response.body) == content
    assert response["Content-Type"] == 'text/css; charset="utf-8"'
    plain = get(static(NAME))
    assert "Content-Encoding" not in plain
    assert response["Vary"] == plain["Vary"] == "Accept-Encoding"
    assert get(static(NAME), Accept_Encoding="gzip", If_None_Match=response["ETag"]).status_code == 304
    part = get(static(NAME), Accept_Encoding="gzip", Range="bytes=0-9")
    assert part.body == content[:10]


def test_files_that_are_compressed_already_are_not_compressed_again(db: None) -> None:
    response = get(
        "/static/drf_spectacular_sidecar/swagger-ui-dist/favicon-32x32.png", Accept_Encoding="gzip"
    )
    assert response.status_code == HTTPStatus.OK
    assert "Content-Encoding" not in response


def test_pages_are_compressed_and_the_dialects_are_not(olga: User, post: Post, rest: Rest) -> None:
    for _n in range(30):
        Incident.objects.create(description="x" * 200, source="operator")
    browser = Client(headers=GZIP)
    browser.force_login(olga)
    page = browser.get("/")
    assert page["Content-Encoding"] == "gzip"
    assert b"</html>" in gzip.decompress(page.content)
    download = browser.get("/incidents.csv")
    assert len(b"".join(download)) > 200
    for response in (
        download,
        browser.get("/api/incidents/"),
        rest("GET", "/api/incidents/", by=olga, headers=GZIP),
        post("/incidents/get_all/", {}, by=olga, HTTP_ACCEPT_ENCODING="gzip"),
    ):
        assert "Content-Encoding" not in response.headers
        assert "Accept-Encoding" not in response.headers.get("Vary", "")
