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


@pytest.mark.parametrize(
    "body",
    [{"comment": "why"}, {"severity": "error"}, {"severity": None}, {"assignee": None}, {"comment": " "}],
)
@pytest.mark.parametrize("status", [{}, {"status": None}])
def test_the_status_may_be_left_out_beside_something_else(
    post: Post, olga: User, incident: Report, body: dict[str, Any], status: dict[str, Any]
) -> None:
    one = incident(status=Status.CLOSED)
    assert post(PATH, {"id": one.pk} | body | status, by=olga).verdict == (200, "")
    one.refresh_from_db()
    assert one.status == "closed"


@pytest.mark.parametrize("body", [{}, {"comment": None}, {"comment": ""}, {"idempotency_key": "k"}])
def test_nothing_to_change_is_a_missing_status(
    post: Post, olga: User, incident: Report, body: dict[str, Any]
) -> None:
    refuses(post(PATH, {"id": incident().pk} | body, by=olga), 400, STATUS)


def test_it_sets_and_clears_severity_and_assignee(
    post: Post, olga: User, admin: User, incident: Report
) -> None:
    one = incident()
    assert post(PATH, {"id": one.pk, "severity": "critical", "assignee": "admin"}, by=olga).status == 200
    one.refresh_from_db()
    assert (one.status, one.severity, one.assignee) == ("open", "critical", admin)
    assert list(one.events.values_list("kind", "severity", "assignee")[1:]) == [
        ("severity", "critical", None),
        ("assigned", None, admin.pk),
    ]
    for body in ({"status": "processing"}, {"comment": "x"}, {"status": "completed"}):
        assert post(PATH, {"id": one.pk, **body}, by=olga).status == 200
    one.refresh_from_db()
    assert (one.severity, one.assignee) == ("critical", admin)
    assert post(PATH, {"id": one.pk, "severity": None, "assignee": None}, by=olga).status == 200
    one.refresh_from_db()
    assert (one.status, one.severity, one.assignee) == ("resolved", None, None)


def test_a_call_never_assigns_by_itself(post: Post, olga: User, incident: Report) -> None:
    one = incident()
    post(PATH, {"id": one.pk, "status": "processing"}, by=olga)
    one.refresh_from_db()
    assert (one.status, one.assignee) == ("in_progress", None)


@pytest.mark.parametrize("value", ["", "Critical", "high", 1, True, [], ["error"], {}])
def test_it_refuses_an_unknown_severity(post: Post, olga: User, incident: Report, value: object) -> None:
    response = post(PATH, {"id": incident().pk, "status": "fake", "severity": value}, by=olga)
    refuses(response, 400, "Severity must be one of: critical, error, warning, info")


@pytest.mark.parametrize(
    "name", ["", "nobody", "Olga", "olga ", "rita", "vera", "a\0b", "\x1b", 1, True, [], {}]
)
def test_it_refuses_an_assignee_who_may_not_update(
    post: Post, olga: User, rita: User, vera: User, incident: Report, name: object
) -> None:
    response = post(PATH, {"id": incident().pk, "status": "fake", "assignee": name}, by=olga)
    refuses(response, 400, "Assignee is not known")


def test_it_refuses_an_assignee_who_is_deactivated(
    post: Post, olga: User, admin: User, incident: Report
) -> None:
    User.objects.filter(pk=admin.pk).update(is_active=False)
    refuses(post(PATH, {"id": incident().pk, "assignee": "admin"}, by=olga), 400, "Assignee is not known")


@pytest.mark.parametrize("key", ["", " ", "a b", "ключ", "a" * 201, 1, True, [], {}])
def test_it_refuses_a_wrong_idempotency_key(post: Post, olga: User, incident: Report, key: object) -> None:
    response = post(PATH, {"id": incident().pk, "status": "fake", "idempotency_key": key}, by=olga)
    refuses(response, 400, "Wrong idempotency key")


def test_the_same_idempotency_key_again_changes_nothing(post: Post, olga: User, incident: Report) -> None:
    one = incident()
    body = {"id": one.pk, "status": "completed", "comment": "over", "idempotency_key": "k"}
    assert post(PATH, body, by=olga).verdict == (200, "")
    post(PATH, {"id": one.pk, "status": "new"}, by=olga)
    assert post(PATH, body, by=olga).verdict == (200, "")
    one.refresh_from_db()
    assert (one.status, one.events.filter(comment="over").count()) == ("open", 1)


def test_a_dedup_key_stands_for_the_id(post: Post, olga: User, admin: User, incident: Report) -> None:
    one = incident(dedup_key="k")
    other = incident(dedup_key="other")
    assert post(PATH, {"dedup_key": "k", "status": "fake"}, by=admin).verdict == NOT_FOUND
    body = {"dedup_key": "k", "id": "", "status": "completed", "comment": "over", "idempotency_key": "i"}
    assert post(PATH, body, by=olga).verdict == (200, "")
    assert post(PATH, {"dedup_key": "k", "status": "fake"}, by=olga).verdict == NOT_FOUND
    # Its first response was lost.
    assert post(PATH, body, by=olga).verdict == (200, "")
    assert list(Incident.objects.order_by("id").values_list("id", "status")) == [
        (one.pk, "resolved"),
        (other.pk, "open"),
    ]


@pytest.mark.parametrize("key", ["", " ", "a\0b", 1, True, [], {}])
def test_it_refuses_a_wrong_dedup_key(post: Post, olga: User, incident: Report, key: object) -> None:
    incident(dedup_key="k")
    refuses(post(PATH, {"dedup_key": key, "status": "fake"}, by=olga), 400, "Wrong dedup key")


@pytest.mark.parametrize("number", [1, 0, "1", "x", [], False])
def test_it_refuses_an_id_beside_a_dedup_key(
    post: Post, olga: User, incident: Report, number: object
) -> None:
    incident(dedup_key="k")
    response = post(PATH, {"id": number, "dedup_key": "k", "status": "fake"}, by=olga)
    refuses(response, 400, "Give either id or dedup_key")


def test_a_finished_incident_does_not_come_back_while_another_has_its_key(
    post: Post, olga: User, incident: Report
) -> None:
    one = incident(dedup_key="k", status=Status.CLOSED)
    other = incident(dedup_key="k")
    response = post(PATH, {"id": one.pk, "status": "new", "comment": "again"}, by=olga)
    assert response.verdict == (409, f"Incident {other.pk} has the same dedup key and is active")
    one.refresh_from_db()
    assert (one.status, one.events.filter(comment="again").count()) == ("closed", 0)


# ------------------------------------------------------------------ reporters


@pytest.fixture
def ritas(post: Post, rita: User) -> int:
    fields = {"incident": "Disk full", "source": "monitoring", "dedup_key": "disk"}
    pk: int = post("/incidents/create/", fields, by=rita).data["id"]
    return pk


@pytest.mark.parametrize(
    "body",
    [
        {"status": "completed"},
        {"status": "completed", "comment": "over", "idempotency_key": "i"},
        {"comment": "97 %"},
        {"comment": "97 %", "id": None, "status": None},
    ],
)
def test_a_reporter_resolves_and_comments_by_its_key(
    post: Post, rita: User, ritas: int, body: dict[str, Any]
) -> None:
    assert post(PATH, {"dedup_key": "disk"} | body, by=rita).verdict == (200, "")
    one = Incident.objects.get()
    assert one.status == ("resolved" if body.get("status") else "open")
    assert one.events.latest("id").comment == body.get("comment", "")
    assert one.events.latest("id").by == rita


@pytest.mark.parametrize(
    "body",
    [
        {"id": True},
        {"id": True, "dedup_key": "disk"},
        {"status": "processing", "dedup_key": "disk"},
        {"status": "fake", "dedup_key": "disk"},
        {"status": "new", "dedup_key": "disk"},
        {"status": "unknown", "dedup_key": "disk"},
        {"status": "nonsense", "dedup_key": "disk"},
        {"severity": "info", "dedup_key": "disk"},
        {"severity": None, "dedup_key": "disk"},
        {"assignee": "olga", "dedup_key": "disk"},
        {"assignee": None, "dedup_key": "disk"},
        {"dedup_key": None},
        {},
    ],
)
def test_a_reporter_does_nothing_else(
    post: Post, olga: User, rita: User, ritas: int, body: dict[str, Any]
) -> None:
    fields = {"status": "completed", "comment": "x"} | body
    if "id" in body:
        fields["id"] = ritas
    assert post(PATH, fields, by=rita).verdict == (403, "Permission denied")
    assert Event.objects.count() == 1


def test_a_reporter_finds_only_what_it_reported_itself(
    post: Post, rita: User, ritas: int, incident: Report
) -> None:
    incident(dedup_key="olgas")
    over = {"dedup_key": "olgas", "status": "completed"}
    assert post(PATH, over, by=rita).verdict == NOT_FOUND
    for path in ("get_all", "get", "events"):
        response = post(f"/incidents/{path}/", {"dedup_key": "disk"}, by=rita)
        assert response.verdict == (403, "Permission denied")


def test_a_viewer_updates_nothing(post: Post, vera: User, incident: Report) -> None:
    incident(dedup_key="k")
    body = {"dedup_key": "k", "status": "completed"}
    refuses(post(PATH, body, by=vera), 403, "Permission denied")


def test_it_checks_in_the_contracts_order(post: Post, olga: User, rita: User, incident: Report) -> None:
    wrong: dict[str, Any] = {"id": "x", "status": "x", "comment": 1}
    wrong |= {"severity": "x", "assignee": "x", "idempotency_key": "", "dedup_key": " "}
    assert post(PATH, b"x", method="PUT").verdict == (405, "POST required")
    assert post(PATH, b"x" * 300_000).verdict == (413, "Request body is too large")
    assert post(PATH, b"x").verdict == (400, "Invalid JSON")
    assert post(PATH, wrong).verdict == (400, "Token is required")
    assert post(PATH, wrong | {"token": "x"}).verdict == (401, "Invalid token")
    assert post(PATH, wrong, by=rita).verdict == (403, "Permission denied")
    assert post(PATH, wrong, by=olga).verdict == (400, "Give either id or dedup_key")
    wrong["dedup_key"] = None
    assert post(PATH, wrong, by=olga).verdict == NUMERIC
    wrong["id"] = 10**9
    assert post(PATH, wrong, by=olga).verdict == (400, STATUS)
    wrong["status"] = "fake"
    assert post(PATH, wrong, by=olga).verdict == (400, "Comment must be text")
    wrong["comment"] = "why"
    for field, value, error in [
        ("severity", "error", "Severity must be one of: critical, error, warning, info"),
        ("assignee", "olga", "Assignee is not known"),
        ("idempotency_key", "k", "Wrong idempotency key"),
    ]:
        assert post(PATH, wrong, by=olga).verdict == (400, error)
        wrong[field] = value
    assert post(PATH, wrong, by=olga).verdict == NOT_FOUND
    wrong["id"] = incident().pk
    assert post(PATH, wrong, by=olga).verdict == (200, "")
