from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from incidents.models import Event, Incident, Source
from incidents.severity import Severity
from testing.clients import Reply, Rest
from users.models import User

PATH = "/api/incidents/"
FIRE = {"description": "Fire", "source": "operator"}
MOSCOW = ZoneInfo("Europe/Moscow")


def create(rest: Rest, by: User | None, *, headers: dict[str, str] | None = None, **fields: Any) -> Reply:
    return rest("POST", PATH, FIRE | fields, by=by, headers=headers)


def refuses(reply: Reply, field: str) -> None:
    assert reply.status == 400
    assert list(reply.data) == [field]
    assert all(isinstance(text, str) for text in reply.data[field])
    assert not Incident.objects.exists()


@pytest.mark.parametrize("path", [PATH, PATH.rstrip("/")])
def test_it_stores_an_incident_with_its_event_and_returns_all_of_it(
    rest: Rest, olga: User, path: str
) -> None:
    reply = rest("POST", path, {"description": " Самокат 😀\n", "source": "system"}, by=olga)
    assert reply.status == 201
    one = Incident.objects.get()
    assert reply.data == {
        "id": one.pk,
        "description": " Самокат 😀\n",
        "status": "open",
        "status_display": "Open",
        "source": "system",
        "source_display": "System",
        "created_at": one.created_at.astimezone(MOSCOW).isoformat(),
        "updated_at": one.updated_at.astimezone(MOSCOW).isoformat(),
        "severity": None,
        "severity_display": None,
        "assignee": None,
        "dedup_key": None,
        "repeats": 0,
        "last_seen_at": None,
    }
    assert reply.data["created_at"].endswith("+03:00")
    assert reply.headers["Location"] == f"http://testserver/api/incidents/{one.pk}/"
    assert (one.description, one.source, one.created_by) == (" Самокат 😀\n", "system", olga)
    event = Event.objects.get()
    assert (event.kind, event.channel, event.by) == ("created", "rest", olga)


def test_the_location_leads_to_the_incident(rest: Rest, olga: User) -> None:
    created = create(rest, olga)
    assert rest("GET", created.headers["Location"], by=olga).data == created.data


@pytest.mark.parametrize("source", Source)
def test_it_accepts_every_source(rest: Rest, olga: User, source: Source) -> None:
    assert create(rest, olga, source=source).data["source"] == source


@pytest.mark.parametrize("text", [None, "", " ", "\n\t ", "a" * 10_001, "a\0b", "\x1b[2J", True, [], {}])
def test_it_refuses_a_wrong_description(rest: Rest, olga: User, text: object) -> None:
    refuses(create(rest, olga, description=text), "description")


def test_it_takes_10000_characters(rest: Rest, olga: User) -> None:
    assert create(rest, olga, description="😀" * 10_000).status == 201


@pytest.mark.parametrize("value", [None, "", "Operator", "оператор", 1, True, [], ["operator"], {}])
def test_it_refuses_an_unknown_source(rest: Rest, olga: User, value: object) -> None:
    refuses(create(rest, olga, source=value), "source")


def test_it_names_every_field_that_is_wrong(rest: Rest, olga: User) -> None:
    reply = rest("POST", PATH, {}, by=olga)
    required = ["This field is required."]
    assert (reply.status, reply.data) == (400, {"description": required, "source": required})


def test_it_takes_the_time_given(rest: Rest, olga: User) -> None:
    reply = create(rest, olga, created_at="2025-11-09T11:37:53.454525Z")
    assert reply.data["created_at"] == "2025-11-09T14:37:53.454525+03:00"
    assert Incident.objects.get().created_at == datetime(2025, 11, 9, 11, 37, 53, 454_525, UTC)


def test_a_time_without_a_zone_is_in_the_services_zone(rest: Rest, olga: User) -> None:
    reply = create(rest, olga, created_at="2025-11-09T14:37:53")
    assert reply.data["created_at"] == "2025-11-09T14:37:53+03:00"


def test_a_null_time_is_now(rest: Rest, olga: User) -> None:
    before = timezone.now()
    assert create(rest, olga, created_at=None).status == 201
    assert Incident.objects.get().created_at >= before


@pytest.mark.parametrize(
    "timestamp",
    [
        "",
        "yesterday",
        "1969-12-31T23:59:59Z",
        "2201-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "2025-02-30T00:00:00Z",
        1,
        True,
        [],
        {},
    ],
)
def test_it_refuses_a_wrong_time(rest: Rest, olga: User, timestamp: object) -> None:
    refuses(create(rest, olga, created_at=timestamp), "created_at")


@pytest.mark.parametrize("in_header", [True, False])
def test_the_same_key_again_returns_the_first_incident(rest: Rest, olga: User, in_header: bool) -> None:
    def report() -> Reply:
        if in_header:
            return create(rest, olga, headers={"Idempotency-Key": "key"})
        return create(rest, olga, idempotency_key="key")

    first, again = report(), report()
    assert (first.status, again.status) == (201, 200)
    assert first.data == again.data
    assert again.headers["Location"] == first.headers["Location"]
    assert Incident.objects.count() == Event.objects.count() == 1


def test_the_key_of_the_header_is_that_of_the_field(rest: Rest, olga: User) -> None:
    first = create(rest, olga, idempotency_key="key")
    assert create(rest, olga, headers={"Idempotency-Key": "key"}).data == first.data
    assert create(rest, olga, headers={"Idempotency-Key": "other"}, idempotency_key="key").data == first.data


def test_the_same_key_for_another_incident_is_a_conflict(rest: Rest, olga: User) -> None:
    create(rest, olga, idempotency_key="key")
    reply = create(rest, olga, idempotency_key="key", description="Flood")
    assert reply.status == 409
    assert reply.data == {"detail": "This idempotency key was used for another incident."}
    assert Incident.objects.count() == 1


@pytest.mark.parametrize("key", ["", " ", "a b", "ключ", "a" * 201, True, [], {}])
def test_it_refuses_a_wrong_key(rest: Rest, olga: User, key: object) -> None:
    refuses(create(rest, olga, idempotency_key=key), "idempotency_key")


@pytest.mark.parametrize("key", ["", "a b", "a" * 201])
def test_it_refuses_a_wrong_key_in_the_header(rest: Rest, olga: User, key: str) -> None:
    refuses(create(rest, olga, headers={"Idempotency-Key": key}), "Idempotency-Key")


@pytest.mark.parametrize("severity", [None, *Severity])
def test_it_stores_and_shows_the_severity(rest: Rest, olga: User, severity: Severity | None) -> None:
    reply = create(rest, olga, severity=severity)
    assert (reply.status, reply.data["severity"]) == (201, severity)
    assert reply.data["severity_display"] == (severity.value.title() if severity else None)
    assert Incident.objects.get().severity == severity


def test_the_label_of_the_severity_is_in_the_readers_language(rest: Rest, olga: User) -> None:
    russian = {"Accept-Language": "ru"}
    shown = [create(rest, olga, headers=russian, severity=one).data["severity_display"] for one in Severity]
    assert shown == ["Критичный", "Ошибка", "Предупреждение", "Сведения"]


@pytest.mark.parametrize("value", ["", "Critical", "high", "critical ", 1, True, [], ["error"], {}])
def test_it_refuses_an_unknown_severity(rest: Rest, olga: User, value: object) -> None:
    refuses(create(rest, olga, severity=value), "severity")


def test_a_dedup_key_whose_incident_is_active_counts_a_repeat(rest: Rest, olga: User) -> None:
    first = create(rest, olga, dedup_key="db1/disk")
    again = create(rest, olga, dedup_key="db1/disk", description="Still")
    assert (first.status, again.status) == (201, 200)
    assert again.data == first.data | {"repeats": 1, "last_seen_at": again.data["last_seen_at"]}
    assert again.data["last_seen_at"].endswith("+03:00")
    assert again.headers["Location"] == first.headers["Location"]
    assert rest("GET", PATH, by=olga).data["results"] == [again.data]
    rest("PATCH", f"{PATH}{first.data['id']}/", {"status": "resolved"}, by=olga)
    assert create(rest, olga, dedup_key="db1/disk").status == 201


@pytest.mark.parametrize("key", [" k ", "ключ 😀", "k" * 255, "ж" * 256])
def test_a_dedup_key_is_stored_as_it_is_or_as_its_digest(rest: Rest, olga: User, key: str) -> None:
    stored = create(rest, olga, dedup_key=key).data["dedup_key"]
    assert (stored == key) is (len(key) <= 255)
    assert create(rest, olga, dedup_key=key).data["dedup_key"] == stored
    assert Incident.objects.count() == 1


@pytest.mark.parametrize("key", ["", " ", "\t\n", "a\0b", "\x1b[2J", True, [], {}])
def test_it_refuses_a_wrong_dedup_key(rest: Rest, olga: User, key: object) -> None:
    refuses(create(rest, olga, dedup_key=key), "dedup_key")


def test_a_reporter_that_repeats_a_dedup_key_is_shown_what_it_reported(
    rest: Rest, olga: User, rita: User
) -> None:
    first = create(rest, rita, dedup_key="k", severity="info")
    change = {"status": "in_progress", "severity": "critical", "assignee": "olga"}
    rest("PATCH", f"{PATH}{first.data['id']}/", change, by=olga)
    again = create(rest, rita, dedup_key="k", severity="info")
    assert (first.status, again.status) == (201, 200)
    assert again.data == first.data


def test_it_ignores_fields_that_are_not_the_reporters(rest: Rest, olga: User) -> None:
    others: dict[str, Any] = {"assignee": "olga", "repeats": 7, "last_seen_at": "2020-01-01T00:00:00Z"}
    reply = create(
        rest, olga, id=7, status="closed", updated_at="2020-01-01T00:00:00Z", created_by=99, **others
    )
    assert (reply.status, reply.data["status"]) == (201, "open")
    assert (reply.data["assignee"], reply.data["repeats"], reply.data["last_seen_at"]) == (None, 0, None)
    assert Incident.objects.get().created_by == olga


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_it_reads_forms_as_well(rest: Rest, olga: User, content_type: str) -> None:
    form = b"description=Fire&source=partner"
    if "multipart" in content_type:
        part = '--x\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
        form = (part.format("description", "Fire") + part.format("source", "partner") + "--x--\r\n").encode()
    reply = rest("POST", PATH, form, by=olga, content_type=content_type)
    assert (reply.status, reply.data["source"]) == (201, "partner")


@pytest.mark.parametrize(
    "body",
    [b"", b"x", b"[]", b'{"a": 1, "a": 2}', b'{"a": NaN}', b"\xef\xbb\xbf{}", b"[" * 5000, b'"\\ud800"'],
)
def test_it_refuses_what_is_not_one_json_object(rest: Rest, olga: User, body: bytes) -> None:
    reply = rest("POST", PATH, body or b" ", by=olga)
    assert (reply.status, reply.data) == (400, {"detail": "Invalid JSON."})


def test_it_refuses_a_type_of_body_that_it_does_not_read(rest: Rest, olga: User) -> None:
    reply = rest("POST", PATH, b"<fire/>", by=olga, content_type="application/xml")
    assert reply.status == 415
    assert list(reply.data) == ["detail"]


PART = '--x\r\nContent-Disposition: form-data; name="description"{}\r\n\r\n{}\r\n--x--\r\n'


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", '{"description": "' + "x" * 262_144 + '"}'),
        ("application/x-www-form-urlencoded", "description=" + "x" * 262_144),
        ("multipart/form-data; boundary=x", PART.format("", "x" * 262_144)),
        ("multipart/form-data; boundary=x", PART.format('; filename="x"', "x" * 262_144)),
    ],
    ids=["JSON", "form", "multipart", "file"],
)
def test_a_body_over_the_limit_is_refused(rest: Rest, olga: User, content_type: str, body: str) -> None:
    reply = rest("POST", PATH, body.encode(), by=olga, content_type=content_type)
    assert (reply.status, reply.data) == (413, {"detail": "Request body is too large."})
