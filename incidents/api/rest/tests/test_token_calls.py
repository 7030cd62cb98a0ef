"""A call with a token that takes the short path gets what it would get through the full chain."""

from collections.abc import Callable, Mapping

import pytest

from incidents.models import Incident, Source, Status
from testing.clients import Reply, Rest
from users.models import User

INCIDENTS = "/api/incidents/"
# REST writes JSON for both, but who names HTML at all goes the way of browsers.
JSON, JSON_RATHER_THAN_HTML = "application/json", "application/json, text/html;q=0.1"
ONLY_OF_BROWSERS = {"Content-Security-Policy", "X-Frame-Options"}
ONE_OF_ITS_OWN = {"X-Request-ID"}

CALLS: list[tuple[str, str, Mapping[str, str]]] = [
    ("GET", INCIDENTS, {}),
    ("GET", "/api/incidents", {}),
    ("GET", f"{INCIDENTS}?status=open&source=partner&page_size=1", {}),
    ("GET", f"{INCIDENTS}?search=fire&ordering=updated_at&page=2&page_size=1", {}),
    ("GET", f"{INCIDENTS}?status=nonsense", {}),
    ("GET", f"{INCIDENTS}?page=99", {}),
    ("GET", f"{INCIDENTS}{{id}}/", {}),
    ("GET", f"{INCIDENTS}{{id}}/history/", {}),
    ("GET", f"{INCIDENTS}999999/", {}),
    ("GET", f"{INCIDENTS}nothing/", {}),
    ("GET", "/api/", {}),
    ("GET", "/api/schema/", {}),
    ("HEAD", INCIDENTS, {}),
    ("OPTIONS", INCIDENTS, {}),
    ("DELETE", f"{INCIDENTS}{{id}}/", {}),
    ("POST", INCIDENTS, {"description": "Fire"}),
    ("PATCH", f"{INCIDENTS}{{id}}/", {"status": "closed"}),
    ("PATCH", f"{INCIDENTS}{{id}}/", {"status": "nonsense"}),
]


@pytest.fixture
def incidents(incident: Callable[..., Incident]) -> list[Incident]:
    return [
        incident("Fire", status=Status.OPEN, source=Source.PARTNER),
        incident("Fire", status=Status.OPEN, source=Source.PARTNER),
        incident("Flood", status=Status.CLOSED),
    ]


def seen_by_client(reply: Reply) -> tuple[int, str, dict[str, str]]:
    left_out = ONLY_OF_BROWSERS | ONE_OF_ITS_OWN
    headers = {name: value for name, value in reply.headers.items() if name not in left_out}
    return reply.status, reply.text, headers


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_both_paths_respond_alike(
    rest: Rest,
    incidents: list[Incident],
    olga: User,
    method: str,
    path: str,
    body: Mapping[str, str],
    language: str,
) -> None:
    path = path.format(id=incidents[0].pk)
    timestamps = {"created_at": incidents[0].created_at, "updated_at": incidents[0].updated_at}
    replies = []
    for accept in (JSON, JSON_RATHER_THAN_HTML):
        given = {"Accept": accept, "Accept-Language": language}
        replies.append(seen_by_client(rest(method, path, body, by=olga, headers=given)))
        if replies[-1][0] == 200 and method == "PATCH":
            Incident.objects.filter(pk=incidents[0].pk).update(status="open", **timestamps)
            replies[-1] = (replies[-1][0], replies[-1][1].partition("updated_at")[0], {})
    assert replies[0] == replies[1]


@pytest.mark.parametrize("headers", [{"Authorization": "Bearer wrong"}, {"Host": "elsewhere.example"}])
@pytest.mark.parametrize("path", [INCIDENTS, f"{INCIDENTS}nothing/"])
def test_both_ways_refuse_the_same(rest: Rest, olga: User, headers: Mapping[str, str], path: str) -> None:
    by = None if "Authorization" in headers else olga
    replies = [
        seen_by_client(rest("GET", path, by=by, headers={"Accept": accept, **headers}))
        for accept in (JSON, JSON_RATHER_THAN_HTML)
    ]
    assert replies[0] == replies[1]
    assert replies[0][0] in (400, 401, 404)


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        (INCIDENTS, "text/html"),
        (INCIDENTS, "text/*"),
        (INCIDENTS, "*/html"),
        (INCIDENTS, "Text/HTML"),
        (f"{INCIDENTS}?format=api", "*/*"),
        (f"{INCIDENTS}?%66ormat=api", "*/*"),
        ("/api/docs/", "text/html"),
    ],
)
def test_a_page_has_its_policies_with_and_without_a_token(
    rest: Rest, olga: User, path: str, accept: str
) -> None:
    reply = rest("GET", path, by=olga, headers={"Accept": accept})
    assert reply.status == 200
    assert reply.headers["Content-Type"].startswith("text/html")
    assert set(reply.headers) >= ONLY_OF_BROWSERS


def test_the_pages_beside_the_api_bear_a_token(rest: Rest, olga: User, password: str) -> None:
    rest.client.cookies.clear()
    for path in ("/api/", "/api/schema/", "/api/docs/", "/api/login/login/"):
        assert rest("GET", path, by=olga, headers={"Accept": "*/*"}).status == 200
    form = f"username=olga&password={password.replace(' ', '+')}&next=/api/".encode()
    reply = rest("POST", "/api/login/login/", form, by=olga, content_type="application/x-www-form-urlencoded")
    assert (reply.status, reply.headers["Location"]) == (302, "/api/")


def test_a_token_counts_and_not_the_cookie_that_comes_with_it(rest: Rest, olga: User, rita: User) -> None:
    rest.client.force_login(olga)
    assert rest("GET", INCIDENTS).status == 200
    assert rest("GET", INCIDENTS, by=rita).status == 403
    assert rest("GET", INCIDENTS, headers={"Authorization": "Bearer wrong"}).status == 401
