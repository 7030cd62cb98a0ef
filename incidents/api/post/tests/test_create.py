from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone

from incidents.models import Event, Incident
from incidents.severity import Severity
from testing.clients import Envelope, Post, together, token_of
from users.models import User

PATH = "/incidents/create/"
REQUIRED = "Incident is required"
SOURCE = "Source is required or wrong, use one of: operator, monitoring, partner, unknown"
SEVERITY = "Severity must be one of: critical, error, warning, info"
FIRE = {"incident": "Fire", "source": "operator"}


def create(post: Post, by: User | None, **fields: Any) -> Envelope:
    return post(PATH, FIRE | fields, by=by)


def refuses(response: Envelope, status: int, error: str) -> None:
    assert response.verdict == (status, error)
    assert response.data == {}
    assert not Incident.objects.exists()
    assert not Event.objects.exists()


@pytest.mark.parametrize("path", [PATH, PATH.rstrip("/")])
def test_it_stores_an_incident_with_its_event(post: Post, olga: User, path: str) -> None:
    before = timezone.now()
    response = post(path, {"incident": " Самокат 😀\r\n\tгорит ", "source": "monitoring"}, by=olga)
    assert response.verdict == (201, "")
    one = Incident.objects.get()
    assert response.data == {"id": one.pk, "created": True}
    assert (one.description, one.status, one.source) == (" Самокат 😀\r\n\tгорит ", "open", "monitoring")
    assert one.created_by == olga
    assert before <= one.created_at <= timezone.now()
    event = Event.objects.get()
    assert (event.kind, event.channel, event.by, event.status_to) == ("created", "post", olga, "open")


@pytest.mark.parametrize("value", ["operator", "monitoring", "partner", "unknown"])
def test_it_accepts_every_source_of_the_dialect(post: Post, olga: User, value: str) -> None:
    assert create(post, olga, source=value).status == 201
    assert Incident.objects.get().source == value


@pytest.mark.parametrize("text", [None, "", " ", "\n\t\r ", "\u00a0\u2003"])
def test_it_requires_a_text_that_is_not_blank(post: Post, olga: User, text: str | None) -> None:
    refuses(create(post, olga, incident=text), 400, REQUIRED)


def test_it_requires_a_text(post: Post, olga: User) -> None:
    refuses(post(PATH, {"source": "operator"}, by=olga), 400, REQUIRED)


@pytest.mark.parametrize("text", [1, 0, 1.5, True, False, [], ["Fire"], {}, {"text": "Fire"}])
def test_it_refuses_what_is_not_text(post: Post, olga: User, text: object) -> None:
    refuses(create(post, olga, incident=text), 400, "Incident must be text")


@pytest.mark.parametrize("letter", ["a", "ж", "😀"])
def test_it_takes_10000_characters_and_no_more(post: Post, olga: User, letter: str) -> None:
    refuses(
        create(post, olga, incident=letter * 10_001),
        400,
        "Incident is too long, use at most 10000 characters",
    )
    assert create(post, olga, incident=letter * 10_000).status == 201
    assert Incident.objects.get().description == letter * 10_000


@pytest.mark.parametrize("number", [*range(9), 11, 12, *range(14, 32)])
def test_it_refuses_control_characters(post: Post, olga: User, number: int) -> None:
    refuses(create(post, olga, incident=f"Fi{chr(number)}re"), 400, "Incident has forbidden characters")


@pytest.mark.parametrize(
    "text", ["a\tb\r\nc", "\x7f", "\u202e", "<script>alert(1)</script>", "=1+1", "'--", "%s"]
)
def test_it_stores_other_characters_as_they_are(post: Post, olga: User, text: str) -> None:
    assert create(post, olga, incident=text).status == 201
    assert Incident.objects.get().description == text
    listed = post("/incidents/get_all/", {}, by=olga)
    assert listed.data["incidents"][0]["incident"] == text


@pytest.mark.parametrize(
    "value", [None, "", "system", "Operator", " operator", "open", 1, True, [], ["operator"], {"operator": 1}]
)
def test_it_refuses_an_unknown_source(post: Post, olga: User, value: object) -> None:
    refuses(create(post, olga, source=value), 400, SOURCE)


def test_it_requires_a_source(post: Post, olga: User) -> None:
    refuses(post(PATH, {"incident": "Fire"}, by=olga), 400, SOURCE)


def test_it_takes_the_date_given(post: Post, olga: User) -> None:
    assert create(post, olga, date="2025-11-12T02:08:12.266+03:00").status == 201
    assert Incident.objects.get().created_at == datetime(2025, 11, 11, 23, 8, 12, 266_000, UTC)


def test_a_null_date_is_now(post: Post, olga: User) -> None:
    before = timezone.now()
    assert create(post, olga, date=None).status == 201
    assert Incident.objects.get().created_at >= before


@pytest.mark.parametrize(
    "date",
    [
        "",
        "yesterday",
        "2025-11-11",
        "2025-11-11T23:08:12",
        "2025-W46-2T23:08:12Z",
        "1969-12-31T23:59:59Z",
        "2201-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        1762902492,
        0,
        True,
        [],
        {},
    ],
)
def test_it_refuses_a_wrong_date(post: Post, olga: User, date: object) -> None:
    refuses(create(post, olga, date=date), 400, "Wrong date format")


@pytest.mark.parametrize("key", ["", " ", "a b", "ключ", "a\n", "a" * 201, 1, True, [], {}])
def test_it_refuses_a_wrong_idempotency_key(post: Post, olga: User, key: object) -> None:
    refuses(create(post, olga, idempotency_key=key), 400, "Wrong idempotency key")


@pytest.mark.parametrize("key", ["a", "!~", "a" * 200, "6f9619ff-8b86-d011-b42d-00cf4fc964ff"])
def test_the_same_key_again_returns_the_first_incident(post: Post, olga: User, key: str) -> None:
    first = create(post, olga, idempotency_key=key, date="2025-11-11T23:08:12.266Z")
    again = create(post, olga, idempotency_key=key, date="2025-11-12T02:08:12.266+03:00")
    assert first.verdict == (201, "")
    assert again.verdict == (200, "")
    assert again.data == {"id": first.data["id"], "created": False}
    assert Incident.objects.count() == Event.objects.count() == 1


def test_the_same_key_for_another_incident_is_a_conflict(post: Post, olga: User) -> None:
    create(post, olga, idempotency_key="key")
    response = create(post, olga, idempotency_key="key", incident="Flood")
    assert response.verdict == (409, "Idempotency key was used for another incident")
    assert Incident.objects.count() == 1


def test_another_users_same_key_makes_another_incident(post: Post, olga: User, rita: User) -> None:
    ids = {create(post, user, idempotency_key="key").data["id"] for user in (olga, rita)}
    assert len(ids) == 2


def test_without_a_key_each_call_makes_an_incident(post: Post, olga: User) -> None:
    assert create(post, olga, idempotency_key=None).status == create(post, olga).status == 201
    assert Incident.objects.count() == 2


def test_it_ignores_unknown_fields(post: Post, olga: User) -> None:
    assert create(post, olga, status="completed", id=7, created_at="x").status == 201
    assert Incident.objects.get().status == "open"


@pytest.mark.parametrize("value", [None, *Severity])
def test_it_stores_the_severity(post: Post, olga: User, value: str | None) -> None:
    assert create(post, olga, severity=value).status == 201
    assert (Incident.objects.get().severity, Event.objects.get().severity) == (value, value)


@pytest.mark.parametrize(
    "value", ["", "Critical", "critical ", "high", "критичный", 1, True, [], ["error"], {}]
)
def test_it_refuses_an_unknown_severity(post: Post, olga: User, value: object) -> None:
    refuses(create(post, olga, severity=value), 400, SEVERITY)


def test_a_key_whose_incident_is_active_counts_a_repeat(post: Post, olga: User) -> None:
    first = create(post, olga, dedup_key="db1/disk")
    before = timezone.now()
    again = create(post, olga, dedup_key="db1/disk", incident="Still", severity="error")
    assert (first.verdict, first.data["created"]) == ((201, ""), True)
    assert (again.verdict, again.data) == ((200, ""), {"id": first.data["id"], "created": False})
    one = Incident.objects.get()
    assert (one.description, one.severity, one.repeats) == ("Fire", None, 1)
    assert one.last_seen_at is not None
    assert before <= one.last_seen_at <= timezone.now()
    assert Event.objects.count() == 1


@pytest.mark.parametrize(
    ("status", "is_active"),
    [("new", True), ("processing", True), ("unknown", True), ("completed", False), ("fake", False)],
)
def test_a_key_makes_a_new_incident_only_when_its_last_one_is_finished(
    post: Post, olga: User, status: str, is_active: bool
) -> None:
    first = create(post, olga, dedup_key="k").data["id"]
    post("/incidents/update/", {"id": first, "status": status}, by=olga)
    again = create(post, olga, dedup_key="k")
    assert (again.status, again.data["created"]) == ((200, False) if is_active else (201, True))
    assert (again.data["id"] == first) is is_active


def test_a_key_is_its_reporters_own(post: Post, olga: User, rita: User) -> None:
    assert create(post, olga, dedup_key="k").status == create(post, rita, dedup_key="k").status == 201


@pytest.mark.parametrize("key", [" k ", "ключ 😀", "a\tb", "k" * 255, "ж" * 256, "k" * 5000])
def test_a_key_is_found_by_all_of_its_text(post: Post, olga: User, key: str) -> None:
    first = create(post, olga, dedup_key=key)
    assert create(post, olga, dedup_key=key).data == {"id": first.data["id"], "created": False}
    assert create(post, olga, dedup_key=f"{key}.").status == 201
    stored = Incident.objects.earliest("id").dedup_key or ""
    assert (stored == key) is (len(key) <= 255)
    assert len(stored) <= 255


@pytest.mark.parametrize("key", ["", " ", "\t\n", "a\0b", "\x1b[2J", 1, 0, True, False, [], ["k"], {}])
def test_it_refuses_a_wrong_dedup_key(post: Post, olga: User, key: object) -> None:
    refuses(create(post, olga, dedup_key=key), 400, "Wrong dedup key")


def test_an_idempotency_key_with_another_dedup_key_is_a_conflict(post: Post, olga: User) -> None:
    create(post, olga, idempotency_key="i", dedup_key="k", severity="error")
    assert create(post, olga, idempotency_key="i", dedup_key="k", severity="error").status == 200
    for other in ({"dedup_key": "other"}, {"severity": "info"}, {"severity": None}):
        fields = {"idempotency_key": "i", "dedup_key": "k", "severity": "error"} | other
        response = create(post, olga, **fields)
        assert response.verdict == (409, "Idempotency key was used for another incident")
    assert Incident.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_16_reports_with_one_key_at_once_one_is_stored(post: Post, olga: User) -> None:
    token = token_of(olga)
    fields = FIRE | {"token": token, "dedup_key": "k"}
    responses = together(16, lambda _number: Post()(PATH, fields))
    [one] = Incident.objects.all()
    assert [response.data["id"] for response in responses] == [one.pk] * 16
    assert sorted(response.status for response in responses) == [200] * 15 + [201]
    assert (one.repeats, Event.objects.count()) == (15, 1)


WRONG: dict[str, Any] = {
    "incident": 1,
    "source": "x",
    "date": "x",
    "idempotency_key": "",
    "severity": "x",
    "dedup_key": "",
}


def test_it_checks_in_the_contracts_order(post: Post, olga: User, vera: User) -> None:
    wrong = dict(WRONG)
    assert post(PATH, b"x", method="GET").verdict == (405, "POST required")
    assert post(PATH, b"x" * 300_000).verdict == (413, "Request body is too large")
    assert post(PATH, b"x").verdict == (400, "Invalid JSON")
    assert post(PATH, wrong).verdict == (400, "Token is required")
    assert post(PATH, wrong | {"token": "x"}).verdict == (401, "Invalid token")
    assert post(PATH, wrong, by=vera).verdict == (403, "Permission denied")
    for field, value, error in [
        ("incident", "Fire", "Incident must be text"),
        ("source", "operator", SOURCE),
        ("date", None, "Wrong date format"),
        ("idempotency_key", None, "Wrong idempotency key"),
        ("severity", "error", SEVERITY),
        ("dedup_key", None, "Wrong dedup key"),
    ]:
        assert post(PATH, wrong, by=olga).verdict == (400, error)
        wrong[field] = value
    assert post(PATH, wrong, by=olga).status == 201
