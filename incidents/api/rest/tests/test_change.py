from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError

from incidents.models import Event, Incident, IncidentQuerySet, Status
from testing.clients import Post, Rest
from users.models import User

Report = Callable[..., Incident]

both_methods = pytest.mark.parametrize("method", ["PUT", "PATCH"])


@both_methods
@pytest.mark.parametrize("slash", ["/", ""])
def test_it_sets_the_status_and_returns_the_whole_incident(
    rest: Rest, olga: User, incident: Report, method: str, slash: str
) -> None:
    one = incident()
    body = {"status": "closed", "comment": "Сел аккумулятор"}
    reply = rest(method, f"/api/incidents/{one.pk}{slash}", body, by=olga)
    assert reply.status == 200
    assert (reply.data["id"], reply.data["status"], reply.data["status_display"]) == (
        one.pk,
        "closed",
        "Closed",
    )
    assert reply.data == rest("GET", f"/api/incidents/{one.pk}/", by=olga).data
    event = one.events.latest("id")
    assert (event.kind, event.channel, event.by) == ("status_changed", "rest", olga)
    assert (event.status_from, event.status_to, event.comment) == ("open", "closed", "Сел аккумулятор")


@pytest.mark.parametrize("status", Status)
def test_it_accepts_every_status(rest: Rest, olga: User, incident: Report, status: Status) -> None:
    reply = rest("PATCH", f"/api/incidents/{incident().pk}/", {"status": status}, by=olga)
    assert (reply.status, reply.data["status"]) == (200, status)


@both_methods
def test_it_sets_and_clears_severity_and_assignee(
    rest: Rest, olga: User, admin: User, incident: Report, method: str
) -> None:
    one = incident()
    path = f"/api/incidents/{one.pk}/"
    set_both = rest(method, path, {"status": "open", "severity": "error", "assignee": "admin"}, by=olga)
    assert (set_both.status, set_both.data["severity"], set_both.data["assignee"]) == (200, "error", "admin")
    assert set_both.data["severity_display"] == "Error"
    kept = rest(method, path, {"status": "in_progress"}, by=olga)
    assert (kept.data["severity"], kept.data["assignee"]) == ("error", "admin")
    cleared = rest(method, path, {"status": "closed", "severity": None, "assignee": None}, by=olga)
    assert (cleared.data["status"], cleared.data["severity"], cleared.data["assignee"]) == (
        "closed",
        None,
        None,
    )
    assert cleared.data == rest("GET", path, by=olga).data
    history = rest("GET", f"{path}history/", by=olga).data
    content = [
        (event["kind"], event["severity"], event["severity_display"], event["assignee"]) for event in history
    ]
    assert content == [
        ("created", None, None, None),
        ("severity", "error", "Error", None),
        ("assigned", None, None, "admin"),
        ("status_changed", None, None, None),
        ("status_changed", None, None, None),
        ("severity", None, None, None),
        ("assigned", None, None, None),
    ]


def test_a_call_never_assigns_by_itself(rest: Rest, olga: User, incident: Report) -> None:
    path = f"/api/incidents/{incident().pk}/"
    assert rest("PATCH", path, {"status": "in_progress"}, by=olga).data["assignee"] is None


@both_methods
@pytest.mark.parametrize("value", ["", "Critical", "high", 1, True, [], ["error"], {}])
def test_it_refuses_an_unknown_severity(
    rest: Rest, olga: User, incident: Report, method: str, value: object
) -> None:
    body: dict[str, Any] = {"status": "closed", "severity": value}
    reply = rest(method, f"/api/incidents/{incident().pk}/", body, by=olga)
    assert (reply.status, list(reply.data)) == (400, ["severity"])
    assert Event.objects.count() == 1


@both_methods
@pytest.mark.parametrize("name", ["", " ", "nobody", "Olga", "rita", "vera", "a\0b", "\x1b", 1, True, [], {}])
def test_it_refuses_an_assignee_who_may_not_update(
    rest: Rest, olga: User, rita: User, vera: User, incident: Report, method: str, name: object
) -> None:
    body: dict[str, Any] = {"status": "closed", "assignee": name}
    reply = rest(method, f"/api/incidents/{incident().pk}/", body, by=olga)
    assert (reply.status, list(reply.data)) == (400, ["assignee"])
    assert Event.objects.count() == 1


@both_methods
@pytest.mark.parametrize("in_header", [True, False])
def test_the_same_idempotency_key_again_changes_nothing(
    rest: Rest, olga: User, incident: Report, method: str, in_header: bool
) -> None:
    one = incident()
    path = f"/api/incidents/{one.pk}/"
    body = {"status": "closed", "comment": "over"} | ({} if in_header else {"idempotency_key": "k"})
    headers = {"Idempotency-Key": "k"} if in_header else {}
    first = rest(method, path, body, by=olga, headers=headers)
    reopened = rest("PATCH", path, {"status": "open"}, by=olga)
    again = rest(method, path, body, by=olga, headers=headers)
    assert (first.data["status"], reopened.data["status"]) == ("closed", "open")
    assert (again.status, again.data) == (200, reopened.data)
    assert one.events.filter(comment="over").count() == 1


@both_methods
@pytest.mark.parametrize("key", ["", "a b", "a" * 201])
def test_it_refuses_a_wrong_idempotency_key(
    rest: Rest, olga: User, incident: Report, method: str, key: str
) -> None:
    path = f"/api/incidents/{incident().pk}/"
    body = {"status": "closed"}
    reply = rest(method, path, body | {"idempotency_key": key}, by=olga)
    assert (reply.status, list(reply.data)) == (400, ["idempotency_key"])
    reply = rest(method, path, body, by=olga, headers={"Idempotency-Key": key})
    assert (reply.status, list(reply.data)) == (400, ["Idempotency-Key"])
    assert Event.objects.count() == 1


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Incident #{} has the same key and is not finished."),
        ("ru", "У инцидента №{} тот же ключ, и он не завершён."),
    ],
)
def test_a_finished_incident_does_not_come_back_while_another_has_its_key(
    rest: Rest, olga: User, incident: Report, language: str, text: str
) -> None:
    one = incident(dedup_key="k", status=Status.CLOSED)
    other = incident(dedup_key="k")
    headers = {"Accept-Language": language}
    body = {"status": "open", "comment": "again"}
    reply = rest("PATCH", f"/api/incidents/{one.pk}/", body, by=olga, headers=headers)
    assert (reply.status, reply.data) == (409, {"detail": text.format(other.pk)})
    one.refresh_from_db()
    assert (one.status, one.events.filter(comment="again").count()) == ("closed", 0)


@both_methods
def test_it_ignores_other_fields(rest: Rest, olga: User, incident: Report, method: str) -> None:
    one = incident()
    body: dict[str, Any] = {
        "status": "closed",
        "description": "other",
        "source": "x",
        "created_at": "x",
        "id": 99,
    }
    body |= {"dedup_key": "x", "repeats": 9, "last_seen_at": "x"}
    assert rest(method, f"/api/incidents/{one.pk}/", body, by=olga).status == 200
    again = Incident.objects.get()
    assert (again.pk, again.description, again.source) == (one.pk, one.description, one.source)
    assert again.created_at == one.created_at


@pytest.mark.parametrize(
    "body", [{}, {"status": "open"}, {"comment": ""}, {"comment": " "}, {"description": "x"}]
)
def test_a_patch_that_changes_nothing_leaves_no_event(
    rest: Rest, olga: User, incident: Report, body: dict[str, str]
) -> None:
    one = incident()
    reply = rest("PATCH", f"/api/incidents/{one.pk}/", body, by=olga)
    assert (reply.status, reply.data["status"]) == (200, "open")
    assert Event.objects.count() == 1
    assert Incident.objects.get().updated_at == one.updated_at


def test_a_patch_without_a_body_changes_nothing(rest: Rest, olga: User, incident: Report) -> None:
    reply = rest("PATCH", f"/api/incidents/{incident().pk}/", by=olga)
    assert reply.status == 200
    assert Event.objects.count() == 1


def test_a_comment_alone_is_an_event(rest: Rest, olga: User, incident: Report) -> None:
    one = incident()
    assert rest("PATCH", f"/api/incidents/{one.pk}/", {"comment": "on my way"}, by=olga).status == 200
    event = one.events.latest("id")
    assert (event.kind, event.comment) == ("commented", "on my way")


def test_a_put_requires_the_status(rest: Rest, olga: User, incident: Report) -> None:
    reply = rest("PUT", f"/api/incidents/{incident().pk}/", {"comment": "x"}, by=olga)
    assert (reply.status, reply.data) == (400, {"status": ["This field is required."]})
    assert Event.objects.count() == 1


@both_methods
@pytest.mark.parametrize(
    "value", [None, "", "new", "processing", "completed", "Open", 1, True, [], ["open"], {}]
)
def test_it_refuses_an_unknown_status(
    rest: Rest, olga: User, incident: Report, method: str, value: object
) -> None:
    reply = rest(method, f"/api/incidents/{incident().pk}/", {"status": value}, by=olga)
    assert (reply.status, list(reply.data)) == (400, ["status"])
    assert Event.objects.count() == 1


@both_methods
@pytest.mark.parametrize("comment", ["ж" * 2001, "a\0b", "\x1b[2J", True, [], {}])
def test_it_refuses_a_wrong_comment(
    rest: Rest, olga: User, incident: Report, method: str, comment: object
) -> None:
    body: dict[str, Any] = {"status": "closed", "comment": comment}
    reply = rest(method, f"/api/incidents/{incident().pk}/", body, by=olga)
    assert (reply.status, list(reply.data)) == (400, ["comment"])
    assert Event.objects.count() == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH"])
@pytest.mark.parametrize(
    "number", ["0", "999999", str(2**63 - 1), str(2**63), "9" * 19, "9" * 20, "-1", "1.5", "one", "١", "1e3"]
)
@pytest.mark.parametrize("tail", ["", "history/"])
def test_there_is_no_incident_of_an_id_that_is_none(
    rest: Rest, olga: User, incident: Report, method: str, number: str, tail: str
) -> None:
    incident()
    reply = rest("GET" if tail else method, f"/api/incidents/{number}/{tail}", {"status": "closed"}, by=olga)
    assert reply.status == 404
    assert list(reply.data) == ["detail"]
    assert Event.objects.count() == 1


@pytest.mark.parametrize("path", ["/api/incidents/", "/api/incidents/{}/", "/api/incidents/{}"])
def test_nothing_is_deleted(rest: Rest, admin: User, incident: Report, path: str) -> None:
    one = incident()
    reply = rest("DELETE", path.format(one.pk), by=admin)
    assert reply.status == 405
    assert list(reply.data) == ["detail"]
    assert "DELETE" not in reply.headers["Allow"]
    assert Incident.objects.get() == one


def test_the_history_tells_what_happened_oldest_first(
    rest: Rest, olga: User, vera: User, incident: Report
) -> None:
    one = incident()
    other = incident()
    path = f"/api/incidents/{one.pk}/"
    rest("PATCH", path, {"status": "in_progress", "comment": "on my way"}, by=olga)
    rest("PATCH", f"/api/incidents/{other.pk}/", {"status": "fake"}, by=olga)
    rest("PATCH", path, {"comment": "there"}, by=olga)
    events = list(one.events.all())
    for spelling in ("history/", "history"):
        reply = rest("GET", path + spelling, by=vera)
        assert reply.status == 200
        assert [event["id"] for event in reply.data] == [event.pk for event in events]
    created, changed, commented = reply.data
    assert changed == {
        "id": events[1].pk,
        "kind": "status_changed",
        "at": changed["at"],
        "by": "olga",
        "door": "rest",
        "status_from": "open",
        "status_from_display": "Open",
        "status_to": "in_progress",
        "status_to_display": "In progress",
        "comment": "on my way",
        "severity": None,
        "severity_display": None,
        "assignee": None,
    }
    assert changed["at"].endswith("+03:00")
    assert (created["kind"], created["door"], created["status_from"]) == ("created", "post", "")
    assert (commented["kind"], commented["comment"]) == ("commented", "there")


def test_the_history_is_one_query_however_long(
    rest: Rest, olga: User, incident: Report, django_assert_max_num_queries: Any
) -> None:
    one = incident()
    for status in Status:
        rest("PATCH", f"/api/incidents/{one.pk}/", {"status": status}, by=olga)
    with django_assert_max_num_queries(6):  # the token is issued and checked; the incident; the events
        assert len(rest("GET", f"/api/incidents/{one.pk}/history/", by=olga).data) == len(Status)


def test_an_event_of_nobody_known_has_no_name(rest: Rest, olga: User, incident: Report) -> None:
    one = incident()
    Event.objects.update(by=None)
    [event] = rest("GET", f"/api/incidents/{one.pk}/history/", by=olga).data
    assert event["by"] is None


def test_an_incident_with_10_000_events_takes_no_more(
    rest: Rest, post: Post, olga: User, incident: Report
) -> None:
    one = incident()
    Event.objects.bulk_create(
        Event(incident=one, kind="commented", channel="rest", status_to="open", comment="x")
        for _n in range(9_999)
    )
    reply = rest("PATCH", f"/api/incidents/{one.pk}/", {"status": "closed"}, by=olga)
    assert (reply.status, list(reply.data)) == (409, ["detail"])
    refused = post("/incidents/update/", {"id": one.pk, "status": "fake"}, by=olga)
    assert refused.verdict == (409, "Incident has too many events, report a new one")
    assert rest("PATCH", f"/api/incidents/{one.pk}/", {"status": "open"}, by=olga).status == 200
    assert len(rest("GET", f"/api/incidents/{one.pk}/history/", by=olga).data) == 10_000


def test_a_failing_read_after_the_commit_is_no_failed_write(
    rest: Rest, olga: User, incident: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = incident()

    def unreadable(*_args: object, **_values: object) -> None:
        raise OperationalError("away")

    with monkeypatch.context() as patched:
        patched.setattr(IncidentQuerySet, "values_list", unreadable)
        patched.setattr(IncidentQuerySet, "get", unreadable)
        changed = rest("PATCH", f"/api/incidents/{one.pk}/", {"status": "closed"}, by=olga)
        created = rest("POST", "/api/incidents/", {"description": "Fire", "source": "operator"}, by=olga)
    assert (changed.status, changed.data["status"]) == (200, "closed")
    assert (created.status, created.data["status"]) == (201, "open")
    assert changed.data == rest("GET", f"/api/incidents/{one.pk}/", by=olga).data
    assert created.data == rest("GET", f"/api/incidents/{created.data['id']}/", by=olga).data
