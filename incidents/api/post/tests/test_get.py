from collections.abc import Callable
from typing import Any

import pytest

from incidents import services
from incidents.models import Event, Incident, Status
from incidents.services import Origin
from incidents.severity import Severity
from testing.clients import Post
from users.models import User

PATH = "/incidents/get/"
NOT_FOUND = (404, "Incident have not found")
Report = Callable[..., Incident]


@pytest.mark.parametrize("path", [PATH, PATH.rstrip("/")])
def test_it_shows_all_of_an_incident_with_its_history(
    post: Post, olga: User, vera: User, incident: Report, path: str
) -> None:
    report = {"incident": "Disk full", "source": "monitoring", "severity": "warning", "dedup_key": "db1/disk"}
    pk = post("/incidents/create/", report, by=olga).data["id"]
    post("/incidents/create/", report, by=olga)
    change = {"id": pk, "status": "processing", "comment": "looking", "severity": "error", "assignee": "olga"}
    post("/incidents/update/", change, by=olga)
    incident()
    response = post(path, {"id": pk}, by=vera)
    assert (response.verdict, list(response.data)) == ((200, ""), ["incident"])
    shown = response.data["incident"]
    [item] = post("/incidents/get_all/", {"severity": "error"}, by=vera).data["incidents"]
    assert shown == item | {"updated_at": shown["updated_at"], "history": shown["history"]}
    assert shown["status"] == "processing"
    assert (shown["severity"], shown["assignee"], shown["dedup_key"]) == ("error", "olga", "db1/disk")
    assert shown["repeats"] == 1
    assert item["created_at"] <= shown["last_seen_at"] <= shown["updated_at"]
    nothing = {"by": "olga", "door": "post", "comment": "", "severity": None, "assignee": None}
    kept = nothing | {"status_from": "processing", "status_to": "processing"}
    assert [{**event, "id": 0, "at": ""} for event in shown["history"]] == [
        {"id": 0, "at": "", **one}
        for one in (
            nothing | {"kind": "created", "status_from": "", "status_to": "new", "severity": "warning"},
            nothing
            | {"kind": "status_changed", "status_from": "new", "status_to": "processing"}
            | {"comment": "looking"},
            kept | {"kind": "severity", "severity": "error"},
            kept | {"kind": "assigned", "assignee": "olga"},
        )
    ]
    assert post(path, {"id": str(pk)}, by=vera).data == response.data


def test_what_was_cleared_and_given_back_is_null_in_the_history(
    post: Post, olga: User, incident: Report
) -> None:
    one = incident(severity=Severity.ERROR)
    post("/incidents/update/", {"id": one.pk, "assignee": "olga"}, by=olga)
    post("/incidents/update/", {"id": one.pk, "severity": None, "assignee": None}, by=olga)
    shown = post(PATH, {"id": one.pk}, by=olga).data["incident"]
    assert (shown["severity"], shown["assignee"]) == (None, None)
    last = [(event["kind"], event["severity"], event["assignee"]) for event in shown["history"][-2:]]
    assert last == [("severity", None, None), ("assigned", None, None)]


def test_a_dedup_key_stands_for_the_unfinished_incident_that_the_user_reported(
    post: Post, olga: User, admin: User, incident: Report
) -> None:
    first = incident(dedup_key="db1")
    assert post(PATH, {"dedup_key": "db1"}, by=olga).data["incident"]["id"] == first.pk
    assert post(PATH, {"dedup_key": "db1"}, by=admin).verdict == NOT_FOUND
    services.change(first.pk, Origin(olga.pk, Event.Channel.POST), status=Status.CLOSED)
    assert post(PATH, {"dedup_key": "db1"}, by=olga).verdict == NOT_FOUND
    second = incident(dedup_key="db1")
    assert post(PATH, {"dedup_key": "db1"}, by=olga).data["incident"]["id"] == second.pk


@pytest.mark.parametrize("count", [1, 99, 100, 101, 250])
def test_a_history_is_whole_however_long(post: Post, olga: User, incident: Report, count: int) -> None:
    one = incident()
    Event.objects.bulk_create(
        Event(incident=one, kind="commented", channel="rest", status_to="open", comment=f"]{number}")
        for number in range(count - 1)
    )
    response = post(PATH, {"id": one.pk}, by=olga)
    history = response.data["incident"].pop("history")
    assert [event["id"] for event in history] == list(one.events.values_list("id", flat=True))
    assert [event["comment"] for event in history[1:]] == [f"]{number}" for number in range(count - 1)]
    assert list(response.data["incident"])[-1] == "updated_at"
    assert response.headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("number", [0, -1, 10**9, 2**63 - 1, 2**63, 10**400, "9" * 5000])
def test_it_finds_no_incident_of_an_id_that_is_none(
    post: Post, olga: User, incident: Report, number: int | str
) -> None:
    incident()
    response = post(PATH, {"id": number}, by=olga)
    assert (response.verdict, response.data) == (NOT_FOUND, {})


def test_it_checks_in_the_contracts_order(post: Post, olga: User, rita: User) -> None:
    wrong: dict[str, Any] = {"id": "x", "dedup_key": " "}
    assert post(PATH, b"x", method="GET").verdict == (405, "POST required")
    assert post(PATH, b"x" * 300_000).verdict == (413, "Request body is too large")
    assert post(PATH, b"x").verdict == (400, "Invalid JSON")
    assert post(PATH, wrong).verdict == (400, "Token is required")
    assert post(PATH, wrong | {"token": "x"}).verdict == (401, "Invalid token")
    assert post(PATH, wrong, by=rita).verdict == (403, "Permission denied")
    assert post(PATH, wrong, by=olga).verdict == (400, "Give either id or dedup_key")
    assert post(PATH, {"dedup_key": " "}, by=olga).verdict == (400, "Wrong dedup key")
    assert post(PATH, {"id": "x"}, by=olga).verdict == (400, "ID must be numeric")
    assert post(PATH, {"id": "", "dedup_key": None}, by=olga).verdict == (400, "ID is required")
    assert post(PATH, {"id": 1}, by=olga).verdict == NOT_FOUND
