"""What REST does not disclose: to forms of other sites, reporters, caches, OPTIONS."""

import logging
from collections.abc import Callable

import pytest
from pytest_django import Settings

from incidents.models import Incident
from testing.clients import Post, Rest
from users.models import User

PATH = "/api/incidents/"
Report = Callable[..., Incident]

FORMS = {
    "application/x-www-form-urlencoded": b"description=Fire&source=operator",
    "multipart/form-data; boundary=x": (
        b'--x\r\nContent-Disposition: form-data; name="description"\r\n\r\nFire\r\n'
        b'--x\r\nContent-Disposition: form-data; name="source"\r\n\r\noperator\r\n--x--\r\n'
    ),
}


@pytest.mark.parametrize("content_type", FORMS)
@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://evil.example", 403),
        ("null", 403),
        ("http://testserver.evil.example", 403),
        ("http://testserver:81", 403),
        ("http://testserver", 201),
        (None, 201),
    ],
)
def test_public_rest_refuses_a_form_of_another_site(
    rest: Rest, db: None, settings: Settings, content_type: str, origin: str | None, status: int
) -> None:
    settings.REST_PUBLIC = True
    headers = {"Origin": origin} if origin else {}
    reply = rest("POST", PATH, FORMS[content_type], content_type=content_type, headers=headers)
    assert reply.status == status
    assert Incident.objects.count() == (status == 201)


@pytest.mark.parametrize("content_type", ["text/plain", "", "application/octet-stream"])
def test_public_rest_reads_json_only_where_a_browser_asks_before_sending_it(
    rest: Rest, db: None, settings: Settings, content_type: str
) -> None:
    settings.REST_PUBLIC = True
    body = b'{"description": "Fire", "source": "operator"}'
    assert rest("POST", PATH, body, content_type=content_type).status == 415
    assert "Access-Control-Allow-Origin" not in rest("OPTIONS", PATH).headers


def test_a_reporter_that_repeats_its_key_is_shown_what_it_reported(
    rest: Rest, olga: User, rita: User
) -> None:
    report = {"description": "Fire", "source": "operator", "idempotency_key": "k"}
    first = rest("POST", PATH, report, by=rita)
    rest("PATCH", f"{PATH}{first.data['id']}/", {"status": "fake"}, by=olga)
    again = rest("POST", PATH, report, by=rita)
    assert (first.status, again.status) == (201, 200)
    assert again.data == first.data


def test_a_user_that_may_list_and_repeats_a_key_is_shown_the_present_incident(rest: Rest, olga: User) -> None:
    report = {"description": "Fire", "source": "operator", "idempotency_key": "k"}
    first = rest("POST", PATH, report, by=olga)
    changed = rest("PATCH", f"{PATH}{first.data['id']}/", {"status": "fake"}, by=olga)
    assert rest("POST", PATH, report, by=olga).data == changed.data


@pytest.mark.parametrize("role", ["olga", "rita", "vera"])
def test_options_do_not_tell_which_incidents_exist(
    request: pytest.FixtureRequest, rest: Rest, incident: Report, role: str
) -> None:
    user, one = request.getfixturevalue(role), incident()
    present, absent = (rest("OPTIONS", f"{PATH}{pk}/", by=user) for pk in (one.pk, one.pk + 1))
    assert (present.status, present.data) == (absent.status, absent.data)


@pytest.mark.parametrize("path", ["", "1/", "1/history/", "?status=x", "?page=9"])
def test_no_response_is_kept_by_a_cache(rest: Rest, olga: User, db: None, path: str) -> None:
    for reply in (rest("GET", PATH + path), rest("GET", PATH + path, by=olga)):
        assert reply.headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer x"}])
def test_too_many_parameters_are_refused_without_a_traceback_in_the_log(
    rest: Rest, db: None, caplog: pytest.LogCaptureFixture, headers: dict[str, str]
) -> None:
    reply = rest("GET", PATH + "?" + "&".join(["a"] * 1001), headers=headers)
    assert (reply.status, reply.data) == (400, {"detail": "Bad Request"})
    assert not [record for record in caplog.records if record.exc_info]
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_no_envelope_is_kept_by_a_cache(post: Post, olga: User, password: str) -> None:
    for path, body in {
        "/users/authorization/": {"username": "olga", "password": password},
        "/incidents/get_all/": {},
    }.items():
        assert post(path, body).headers["Cache-Control"] == "private, no-store"
