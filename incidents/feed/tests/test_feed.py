"""The feed in both dialects: cursors, pages, and when a cursor expires."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common.datetimes import to_utc_text
from incidents import services
from incidents.feed import reader
from incidents.feed.cursor import Cursor
from incidents.feed.models import FeedState
from incidents.feed.settled import settled_events
from incidents.models import Event, Incident, Status
from incidents.services import Origin
from incidents.severity import Severity
from testing.clients import Post, Rest
from users.models import User

Report = Callable[..., Incident]


def feed(post: Post, by: User, **fields: Any) -> dict[str, Any]:
    response = post("/incidents/events/", fields, by=by)
    assert response.status == 200, response.error
    return response.data


def test_the_post_dialect_tells_what_happened_in_its_own_words(
    post: Post, olga: User, incident: Report
) -> None:
    one = incident("Самокат не едет", status=Status.RESOLVED)
    data = feed(post, olga)
    assert [(event["kind"], event["status_from"], event["status_to"]) for event in data["events"]] == [
        ("created", "", "new"),
        ("status_changed", "new", "completed"),
    ]
    event = data["events"][0]
    assert event["by"] == "olga"
    assert event["door"] == "post"
    assert event["at"] == to_utc_text(one.events.earliest("id").at)
    assert event["incident"]["id"] == one.pk
    assert event["incident"]["status"] == "completed"
    assert data["more"] is False


def test_rest_tells_the_same_events_in_its_words(rest: Rest, olga: User, incident: Report) -> None:
    one = incident("Самокат не едет", status=Status.RESOLVED)
    data = rest("GET", "/api/events/", by=olga).data
    assert [event["status_to"] for event in data["events"]] == ["open", "resolved"]
    assert data["events"][0]["incident"]["id"] == one.pk
    assert data["events"][0]["incident"]["status_display"] == "Resolved"
    assert list(data) == ["events", "next", "more"]


def test_both_dialects_tell_who_has_it_and_how_severe_it_is(
    post: Post, rest: Rest, olga: User, incident: Report
) -> None:
    one = incident(severity=Severity.INFO, dedup_key="k")
    post("/incidents/update/", {"id": one.pk, "severity": "error", "assignee": "olga"}, by=olga)
    post("/incidents/update/", {"id": one.pk, "severity": None}, by=olga)
    for events in (feed(post, olga)["events"], rest("GET", "/api/events/", by=olga).data["events"]):
        assert [(event["kind"], event["severity"], event["assignee"]) for event in events] == [
            ("created", "info", None),
            ("severity", "error", None),
            ("assigned", None, "olga"),
            ("severity", None, None),
        ]
        names = ("severity", "assignee", "dedup_key", "repeats", "last_seen_at")
        assert [events[0]["incident"][name] for name in names] == [None, "olga", "k", 0, None]
    [shown] = post("/incidents/get_all/", {}, by=olga).data["incidents"]
    assert feed(post, olga)["events"][0]["incident"] == shown


def test_a_page_is_as_many_queries_however_many_assignees(
    post: Post, olga: User, admin: User, incident: Report, django_assert_num_queries: Any
) -> None:
    one = incident()
    for number in range(6):
        post("/incidents/update/", {"id": one.pk, "assignee": ["olga", "admin"][number % 2]}, by=olga)
    feed(post, olga)
    with CaptureQueriesContext(connection) as few:
        feed(post, olga, limit=2)
    with django_assert_num_queries(len(few)):
        assert len(feed(post, olga)["events"]) == 7


def test_who_follows_next_sees_every_event_once(post: Post, rest: Rest, olga: User, incident: Report) -> None:
    for number in range(5):
        incident(f"Самокат {number}", status=Status.RESOLVED)
    everything = list(Event.objects.order_by("id").values_list("id", flat=True))
    seen: list[int] = []
    after = None
    while True:
        data = feed(post, olga, after=after, limit=3)
        seen += [event["id"] for event in data["events"]]
        after = data["next"]
        if not data["more"]:
            break
    assert seen == everything
    assert rest("GET", f"/api/events/?after={after}", by=olga).data == {
        "events": [],
        "next": after,
        "more": False,
    }


def test_now_gives_only_what_comes(post: Post, rest: Rest, olga: User, incident: Report) -> None:
    incident("раньше")
    start = feed(post, olga, after="now")
    assert start["events"] == []
    assert rest("GET", "/api/events/?after=now", by=olga).data == start
    later = incident("позже")
    data = feed(post, olga, after=start["next"])
    assert [event["incident"]["id"] for event in data["events"]] == [later.pk]


def test_an_empty_history_has_a_cursor_too(post: Post, olga: User, incident: Report) -> None:
    data = feed(post, olga)
    assert (data["events"], data["more"]) == ([], False)
    incident()
    assert len(feed(post, olga, after=data["next"])["events"]) == 1


@pytest.mark.parametrize(
    "text", ["", "x", "0", "é", "A" * 200, str(Cursor("0" * 16, 0, 2**63)), " ", "bm90IGEgY3Vyc29y"]
)
def test_an_unreadable_cursor_is_refused(post: Post, rest: Rest, olga: User, text: str) -> None:
    assert post("/incidents/events/", {"after": text}, by=olga).verdict == (400, "Wrong cursor")
    response = rest("GET", "/api/events/", by=olga, QUERY_STRING=f"after={text}")
    assert (response.status, list(response.data)) == (400, ["after"])


@pytest.mark.parametrize("number", [0, 1001, "ten"])
def test_a_wrong_limit_is_refused(post: Post, rest: Rest, olga: User, number: Any) -> None:
    assert post("/incidents/events/", {"limit": number}, by=olga).status == 400
    assert list(rest("GET", f"/api/events/?limit={number}", by=olga).data) == ["limit"]


def test_a_cursor_of_another_history_has_expired(
    post: Post, rest: Rest, olga: User, incident: Report
) -> None:
    incident()
    after = feed(post, olga)["next"]
    FeedState.objects.all().delete()  # as a restore does
    assert post("/incidents/events/", {"after": after}, by=olga).verdict == (
        410,
        "Cursor has expired, begin again",
    )
    assert rest("GET", f"/api/events/?after={after}", by=olga).status == 410
    assert len(feed(post, olga)["events"]) == 1


def test_a_cursor_past_the_newest_event_has_expired(post: Post, olga: User, incident: Report) -> None:
    incident()
    cursor = Cursor.at(10**9)
    assert post("/incidents/events/", {"after": str(cursor)}, by=olga).status == 410


def test_a_cursor_from_before_pruned_events_has_expired(post: Post, olga: User, incident: Report) -> None:
    first = feed(post, olga, after="now")["next"]
    old = incident("давно", status=Status.CLOSED)
    behind = feed(post, olga)["next"]
    Incident.objects.filter(pk=old.pk).update(updated_at=timezone.now() - timedelta(days=9))
    kept = incident("недавно")
    call_command("prune", "--older-than=5", stdout=StringIO())
    assert post("/incidents/events/", {"after": first}, by=olga).status == 410
    data = feed(post, olga, after=behind)
    assert [event["incident"]["id"] for event in data["events"]] == [kept.pk]
    # From the beginning there is no gap: what is left is all there is, page by page.
    beginning = feed(post, olga, limit=1)
    assert [event["incident"]["id"] for event in beginning["events"]] == [kept.pk]
    assert feed(post, olga, after=beginning["next"])["events"] == []


def test_events_pruned_while_a_page_is_read_are_no_silent_gap(
    post: Post, olga: User, incident: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = feed(post, olga, after="now")["next"]
    old = incident("давно", status=Status.CLOSED)
    Incident.objects.filter(pk=old.pk).update(updated_at=timezone.now() - timedelta(days=9))
    read = settled_events

    def prune_first(*arguments: Any, **options: Any) -> list[Event]:
        call_command("prune", "--older-than=5", stdout=StringIO())
        return read(*arguments, **options)

    monkeypatch.setattr(reader, "settled_events", prune_first)
    assert post("/incidents/events/", {"after": start}, by=olga).status == 410


def test_a_page_is_cut_where_its_texts_become_long(post: Post, olga: User, incident: Report) -> None:
    one = incident("🛴" * 10_000)
    for number in range(150):
        services.change(one.pk, Origin(olga.pk, Event.Channel.PAGE), comment=f"{number}")
    data = feed(post, olga, limit=1000)
    assert 90 <= len(data["events"]) <= 100
    assert data["more"] is True
    rest = feed(post, olga, after=data["next"], limit=1000)
    assert len(data["events"]) + len(rest["events"]) == Event.objects.count()


@pytest.mark.parametrize("role", ["rita", "nobody"])
def test_only_users_who_may_list_may_follow(
    post: Post, rest: Rest, request: pytest.FixtureRequest, role: str, db: None
) -> None:
    if role == "nobody":
        assert post("/incidents/events/", {}).status == 400
        assert rest("GET", "/api/events/").status == 401
    else:
        rita = request.getfixturevalue("rita")
        assert post("/incidents/events/", {}, by=rita).status == 403
        assert rest("GET", "/api/events/", by=rita).status == 403


def test_the_incident_in_an_event_is_as_it_is_now(post: Post, olga: User, incident: Report) -> None:
    one = incident()
    services.change(one.pk, Origin(olga.pk, Event.Channel.PAGE), status=Status.FAKE, comment="Ложный")
    events = feed(post, olga)["events"]
    assert {event["incident"]["status"] for event in events} == {"fake"}
    assert (events[-1]["comment"], events[-1]["door"]) == ("Ложный", "page")
