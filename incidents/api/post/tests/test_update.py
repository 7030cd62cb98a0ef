from collections.abc import Callable
from typing import Any

import pytest

from incidents.models import Event, Incident, Status
from testing.clients import Envelope, Post, token_of
from users.models import User

PATH = "/incidents/update/"
STATUS = "Status is required or wrong, use one of: new, processing, completed, fake, unknown"
NUMERIC = (400, "ID must be numeric")
NOT_FOUND = (404, "Incident have not found")
Report = Callable[..., Incident]


def refuses(response: Envelope, status: int, error: str) -> None:
    assert response.verdict == (status, error)
    assert response.data == {}
    assert set(Incident.objects.values_list("status")) <= {("open",)}
    assert not Event.objects.exclude(kind="created").exists()


@pytest.mark.parametrize("path", [PATH, PATH.rstrip("/")])
def test_it_changes_the_status_and_leaves_an_event(
    post: Post, olga: User, admin: User, incident: Report, path: str
) -> None:
    one = incident()
    response = post(path, {"id": one.pk, "status": "completed", "comment": "Сел аккумулятор"}, by=admin)
    assert (response.verdict, response.data) == ((200, ""), {})
    one.refresh_from_db()
    assert one.status == "resolved"
    event = one.events.latest("id")
    assert (event.kind, event.channel, event.by) == ("status_changed", "post", admin)
    assert (event.status_from, event.status_to, event.comment) == ("open", "resolved", "Сел аккумулятор")


@pytest.mark.parametrize("form", ["{}", "0{}", "000000000000000000000000000{}"])
def test_it_takes_the_id_as_digits_in_text(post: Post, olga: User, incident: Report, form: str) -> None:
    one = incident()
    assert post(PATH, {"id": form.format(one.pk), "status": "fake"}, by=olga).status == 200
    one.refresh_from_db()
    assert one.status == "fake"


@pytest.mark.parametrize("body", [{}, {"id": None}, {"id": ""}])
def test_it_requires_an_id(post: Post, olga: User, incident: Report, body: dict[str, Any]) -> None:
    incident()
    refuses(post(PATH, body | {"status": "fake"}, by=olga), 400, "ID is required")


@pytest.mark.parametrize(
    "number",
    [
        True,
        False,
        1.5,
        1.0,
        " 1 ",
        "1 ",
        "+1",
        "-1",
        "1.0",
        "1e3",
        "0x1",
        "1_0",
        "١",
        "１",
        "²",
        "one",
        "\n1",
        "1\n",
        "1\x00",
        [],
        [1],
        {},
        {"id": 1},
    ],
)
def test_it_refuses_an_id_that_is_no_whole_number(
    post: Post, olga: User, incident: Report, number: object
) -> None:
    incident()
    refuses(post(PATH, {"id": number, "status": "fake"}, by=olga), *NUMERIC)


@pytest.mark.parametrize(
    ("digits", "verdict"), [("1e400", NUMERIC), ("1.0", NUMERIC), ("9" * 5000, NOT_FOUND)]
)
def test_it_reads_a_number_however_it_is_written(
    post: Post, olga: User, digits: str, verdict: tuple[int, str]
) -> None:
    body = f'{{"token": "{token_of(olga)}", "id": {digits}, "status": "fake"}}'
    refuses(post(PATH, body.encode()), *verdict)


@pytest.mark.parametrize(
    "number", [0, -1, 10**9, 2**31, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**400, "0", "9" * 19, "9" * 5000]
)
def test_it_finds_no_incident_of_an_id_that_is_none(
    post: Post, olga: User, incident: Report, number: int | str
) -> None:
    incident()
    refuses(post(PATH, {"id": number, "status": "fake"}, by=olga), *NOT_FOUND)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "open",
        "resolved",
        "closed",
        "in_progress",
        "cancelled",
        "New",
        " new",
        1,
        True,
        [],
        ["new"],
        {},
    ],
)
def test_it_refuses_an_unknown_status(post: Post, olga: User, incident: Report, value: object) -> None:
    one = incident()
    refuses(post(PATH, {"id": one.pk, "status": value}, by=olga), 400, STATUS)
    refuses(post(PATH, {"id": one.pk}, by=olga), 400, STATUS)


@pytest.mark.parametrize("comment", [1, 0, True, False, [], ["x"], {}, 1.5])
def test_it_refuses_a_comment_that_is_not_text(
    post: Post, olga: User, incident: Report, comment: object
) -> None:
    response = post(PATH, {"id": incident().pk, "status": "fake", "comment": comment}, by=olga)
    refuses(response, 400, "Comment must be text")


def test_a_comment_has_2000_characters_and_no_more(post: Post, olga: User, incident: Report) -> None:
    one = incident()
    too_long = post(PATH, {"id": one.pk, "status": "fake", "comment": "ж" * 2001}, by=olga)
    refuses(too_long, 400, "Comment is too long, use at most 2000 characters")
    assert post(PATH, {"id": one.pk, "status": "fake", "comment": "ж" * 2000}, by=olga).status == 200
    assert one.events.latest("id").comment == "ж" * 2000


def test_it_refuses_control_characters_in_a_comment(post: Post, olga: User, incident: Report) -> None:
    response = post(PATH, {"id": incident().pk, "status": "fake", "comment": "a\0b"}, by=olga)
    refuses(response, 400, "Comment has forbidden characters")


@pytest.mark.parametrize("status", Status)
def test_writing_what_is_already_read_changes_nothing(
    post: Post, olga: User, incident: Report, status: Status
) -> None:
    one = incident(status=status)
    [item] = post("/incidents/get_all/", {}, by=olga).data["incidents"]
    events = Event.objects.count()
    assert post(PATH, {"id": one.pk, "status": item["status"]}, by=olga).status == 200
    again = Incident.objects.get()
    assert (again.status, again.updated_at) == (status, one.updated_at)
    assert Event.objects.count() == events


@pytest.mark.parametrize("comment", [None, "", " \n"])
def test_a_comment_that_says_nothing_is_no_event(
    post: Post, olga: User, incident: Report, comment: str | None
) -> None:
    one = incident()
    assert post(PATH, {"id": one.pk, "status": "new", "comment": comment}, by=olga).status == 200
    assert one.events.count() == 1


def test_a_comment_on_the_same_status_is_kept(post: Post, olga: User, incident: Report) -> None:
    one = incident(status=Status.CLOSED)
    assert post(PATH, {"id": one.pk, "status": "completed", "comment": "yes"}, by=olga).status == 200
    event = one.events.latest("id")
    assert (event.kind, event.status_to, event.comment) == ("commented", "closed", "yes")


def test_it_ignores_unknown_fields(post: Post, olga: User, incident: Report) -> None:
    one = incident()
    body = {"id": one.pk, "status": "processing", "incident": "other", "source": "x"}
    assert post(PATH, body, by=olga).status == 200
    again = Incident.objects.get()
    assert (again.status, again.description) == ("in_progress", one.description)


def test_it_checks_in_the_contracts_order(post: Post, olga: User, rita: User, incident: Report) -> None:
    wrong: dict[str, Any] = {"id": "x", "status": "x", "comment": 1}
    assert post(PATH, b"x", method="PUT").verdict == (405, "POST required")
    assert post(PATH, b"x" * 300_000).verdict == (413, "Request body is too large")
    assert post(PATH, b"x").verdict == (400, "Invalid JSON")
    assert post(PATH, wrong).verdict == (400, "Token is required")
    assert post(PATH, wrong | {"token": "x"}).verdict == (401, "Invalid token")
    assert post(PATH, wrong, by=rita).verdict == (403, "Permission denied")
    assert post(PATH, wrong, by=olga).verdict == NUMERIC
    wrong["id"] = 10**9
    assert post(PATH, wrong, by=olga).verdict == (400, STATUS)
    wrong["status"] = "fake"
    assert post(PATH, wrong, by=olga).verdict == (400, "Comment must be text")
    wrong["comment"] = "why"
    assert post(PATH, wrong, by=olga).verdict == NOT_FOUND
    wrong["id"] = incident().pk
    assert post(PATH, wrong, by=olga).verdict == (200, "")
