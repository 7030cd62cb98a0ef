import contextlib
import csv
import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import pytest
from django.core.signals import request_finished
from django.db import close_old_connections, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from incidents import services
from incidents.models import Event, Incident, Source, Status
from incidents.queries import IncidentQuery
from incidents.services import Origin
from incidents.severity import Severity
from incidents.statistics import buckets
from incidents.web import csv_response, queue
from incidents.web.tests.conftest import english_browser
from incidents.web.views import statistics as views
from testing.reading import page
from users.models import User

Report = Callable[..., Incident]


def download(browser: Client, path: str) -> list[list[str]]:
    response: Any = browser.get(path)
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in response["Content-Disposition"]
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))


def test_it_has_the_incidents_of_the_filtered_queue(as_olga: Client, incident: Report) -> None:
    as_olga.cookies["timezone"] = "Asia/Tokyo"
    created_at = datetime(2025, 1, 1, 20, tzinfo=UTC)
    one = incident(
        'Два "слова",\nстрока', created_at=created_at, severity=Severity.CRITICAL, dedup_key="=disk"
    )
    incident(status=Status.CLOSED)
    incident(source=Source.PARTNER)
    header, *rows = download(as_olga, "/incidents.csv?source=operator")
    assert header[:6] == ["id", "created at", "updated at", "status", "source", "description"]
    assert header[6:] == ["severity", "assignee", "key", "repeats"]
    assert [row[:2] + row[3:] for row in rows] == [
        [
            *(str(one.pk), "2025-01-02 05:00:00+09:00", "Open", "Operator", 'Два "слова",\nстрока'),
            *("Critical", "", "'=disk", "0"),
        ]
    ]


def test_it_is_read_in_chunks(as_olga: Client, incident: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "CHUNK", 3)
    expected = [str(incident().pk) for _n in range(10)][::-1]
    _header, *rows = download(as_olga, "/incidents.csv")
    assert [row[0] for row in rows] == expected


def test_its_days_begin_in_the_viewers_time_zone(as_olga: Client, incident: Report) -> None:
    as_olga.cookies["timezone"] = "America/New_York"
    late, early = datetime(2025, 1, 2, 4, 59, tzinfo=UTC), datetime(2025, 1, 1, 5, tzinfo=UTC)
    that_day = [str(incident(created_at=created_at).pk) for created_at in (late, early)]
    incident(created_at=datetime(2025, 1, 1, 4, 59, tzinfo=UTC))
    incident(created_at=datetime(2025, 1, 2, 5, tzinfo=UTC))
    _header, *rows = download(as_olga, "/incidents.csv?since=2025-01-01&until=2025-01-01")
    assert [row[0] for row in rows] == that_day


@pytest.mark.parametrize("tab", ["all", "active"])
def test_an_incident_that_changes_its_group_meanwhile_comes_once(
    as_olga: Client, incident: Report, monkeypatch: pytest.MonkeyPatch, tab: str
) -> None:
    monkeypatch.setattr(queue, "CHUNK", 2)
    monkeypatch.setattr(csv_response, "MAX_PIECE_LENGTH", 1)
    ids = [incident().pk for _n in range(8)][::-1]
    response: Any = as_olga.get(f"/incidents.csv?status={tab}")
    pieces = response.streaming_content
    text = b"".join(next(pieces) for _n in range(3))
    origin = Origin(None, Event.Channel.REST)
    after = Status.CLOSED if tab == "all" else Status.IN_PROGRESS
    # One that was sent already, and one that was not yet.
    services.change(ids[0], origin, status=after)
    services.change(ids[6], origin, status=after)
    text += b"".join(pieces)
    rows = list(csv.reader(io.StringIO(text.decode("utf-8-sig"), newline="")))[1:]
    assert [int(row[0]) for row in rows] == ids


@pytest.mark.django_db(transaction=True)
def test_an_incident_that_changes_between_the_queries_of_a_chunk_comes_once(
    as_olga: Client, incident: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = incident()
    parts = IncidentQuery.parts

    def changing(query: Any) -> Iterator[Any]:
        for number, part in enumerate(sorted(parts(query), key=lambda part: sorted(part.statuses or ()))):
            if number == 1:
                in_another_thread(services.change, one.pk, Origin(None, Event.Channel.REST), Status.OPEN)
            yield part

    services.change(one.pk, Origin(None, Event.Channel.REST), status=Status.IN_PROGRESS)
    monkeypatch.setattr(IncidentQuery, "parts", changing)
    assert [row[0] for row in download(as_olga, "/incidents.csv?status=active")[1:]] == [str(one.pk)]


def in_another_thread(change: Callable[..., Any], pk: int, origin: Origin, status: Status) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def run() -> None:
        change(pk, origin, status=status)
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(run).result()


def test_many_rows_are_sent_in_one_piece(as_olga: Client, incident: Report) -> None:
    for _n in range(20):
        incident()
    response: Any = as_olga.get("/incidents.csv")
    assert len(list(response.streaming_content)) == 1


def test_a_piece_has_a_bounded_size() -> None:
    pieces = list(csv_response.encode(["text"], (["x" * 10_000] for _n in range(100))))
    assert len([piece for piece in pieces if piece]) == 25
    assert max(map(len, pieces)) <= csv_response.MAX_PIECE_LENGTH + 10_100


@pytest.mark.parametrize("path", ["/incidents.csv", "/statistics.csv"])
def test_head_reads_no_rows(as_olga: Client, incident: Report, path: str) -> None:
    incident()
    with CaptureQueriesContext(connection) as queries:
        response: Any = as_olga.head(f"{path}?status=all")
        assert list(response.streaming_content) == []
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert not [query for query in queries if "description" in query["sql"]]


@pytest.mark.parametrize("path", ["/incidents.csv", "/statistics.csv"])
def test_other_methods_are_405(as_olga: Client, path: str) -> None:
    assert as_olga.post(path).status_code == HTTPStatus.METHOD_NOT_ALLOWED


def close(response: Any) -> None:
    """Close it as the server does, but for the database connection."""
    request_finished.disconnect(close_old_connections)
    response.close()
    request_finished.connect(close_old_connections)


def test_a_user_has_at_most_two_downloads_at_the_same_time(
    as_olga: Client, vera: User, incident: Report
) -> None:
    incident()
    with contextlib.ExitStack() as open_responses:
        first, second = (as_olga.get("/incidents.csv") for _n in range(2))
        open_responses.callback(close, second)
        response = as_olga.get("/incidents.csv")
        assert response.status_code == HTTPStatus.TOO_MANY_REQUESTS
        assert response["Retry-After"]
        assert "Too many downloads" in response.text
        assert as_olga.head("/incidents.csv").status_code == HTTPStatus.OK
        assert download(english_browser(vera), "/incidents.csv")
        # One that its client has left half read ends, too.
        close(first)
        assert download(as_olga, "/incidents.csv")
        assert download(as_olga, "/incidents.csv")
    page(as_olga, "/")


def test_statistics_are_numbers_by_day(as_olga: Client, incident: Report) -> None:
    incident(source=Source.PARTNER)
    header, *rows = download(as_olga, "/statistics.csv")
    assert header == ["Day", "Operator", "Monitoring", "Partner", "System", "Unknown", "Total"]
    assert len(rows) == 30
    assert rows[-1][1:] == ["0", "0", "1", "0", "0", "1"]


def test_statistics_are_503_until_all_events_are_counted(
    as_olga: Client, incident: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "BATCH", 1)
    monkeypatch.setattr(views, "MAX_CATCH_UP_SECONDS", 0)
    incident(status=Status.CLOSED)
    response = as_olga.get("/statistics.csv")
    assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert response["Retry-After"]
