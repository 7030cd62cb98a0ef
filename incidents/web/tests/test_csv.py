import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client

from incidents.models import Incident, Source, Status
from incidents.statistics import buckets
from incidents.web import csv_lines, queue
from incidents.web.views import statistics as views

Report = Callable[..., Incident]


def download(browser: Client, path: str) -> list[list[str]]:
    reply: Any = browser.get(path)
    assert reply["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in reply["Content-Disposition"]
    text = b"".join(reply.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))


def test_it_is_the_queue_as_it_is_filtered(as_olga: Client, incident: Report) -> None:
    as_olga.cookies["timezone"] = "Asia/Tokyo"
    one = incident('Два "слова",\nстрока', created_at=datetime(2025, 1, 1, 20, tzinfo=UTC))
    incident(status=Status.CLOSED)
    incident(source=Source.PARTNER)
    header, *rows = download(as_olga, "/incidents.csv?source=operator")
    assert header == ["id", "created at", "updated at", "status", "source", "description"]
    assert [row[:2] + row[3:] for row in rows] == [
        [str(one.pk), "2025-01-02 05:00:00+09:00", "Open", "Operator", 'Два "слова",\nстрока']
    ]


def test_it_is_read_in_chunks(as_olga: Client, incident: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue.IncidentQuery.everything, "__defaults__", (3,))
    expected = [str(incident().pk) for _n in range(10)][::-1]
    _header, *rows = download(as_olga, "/incidents.csv")
    assert [row[0] for row in rows] == expected


def test_its_days_begin_where_the_viewer_is(as_olga: Client, incident: Report) -> None:
    as_olga.cookies["timezone"] = "America/New_York"
    late, early = datetime(2025, 1, 2, 4, 59, tzinfo=UTC), datetime(2025, 1, 1, 5, tzinfo=UTC)
    that_day = [str(incident(created_at=timestamp).pk) for timestamp in (late, early)]
    incident(created_at=datetime(2025, 1, 1, 4, 59, tzinfo=UTC))
    incident(created_at=datetime(2025, 1, 2, 5, tzinfo=UTC))
    _header, *rows = download(as_olga, "/incidents.csv?since=2025-01-01&until=2025-01-01")
    assert [row[0] for row in rows] == that_day


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＋1", "－1", "＠SUM(A1)"]
)
def test_no_cell_is_a_formula(text: str) -> None:
    lines = list(csv_lines.written(["h"], [[text]]))
    [cell] = next(csv.reader(io.StringIO("".join(lines[1:]), newline="")))
    assert cell == f"'{text}"


def test_statistics_are_numbers_by_day(as_olga: Client, incident: Report) -> None:
    incident(source=Source.PARTNER)
    header, *rows = download(as_olga, "/statistics.csv")
    assert header == ["Day", "Operator", "Monitoring", "Partner", "System", "Unknown", "Total"]
    assert len(rows) == 30
    assert rows[-1][1:] == ["0", "0", "1", "0", "0", "1"]


def test_there_are_no_statistics_until_all_is_counted(
    as_olga: Client, incident: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "BATCH", 1)
    monkeypatch.setattr(views, "PATIENCE", 0)
    incident(status=Status.CLOSED)
    reply = as_olga.get("/statistics.csv")
    assert reply.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert reply["Retry-After"]
