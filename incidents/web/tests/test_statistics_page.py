import re
from collections import Counter
from collections.abc import Callable
from datetime import date

import pytest
from django.test import Client

from incidents.models import Incident, Source, Status
from incidents.statistics import buckets
from incidents.statistics.report import Day
from incidents.web import charts
from incidents.web.views.statistics import PeriodForm
from testing.clients import database_held
from testing.reading import page

Report = Callable[..., Incident]


def test_it_shows_numbers_and_charts(as_olga: Client, incident: Report) -> None:
    incident(source=Source.PARTNER, status=Status.FAKE)
    incident(source=Source.MONITORING, status=Status.CLOSED)
    html = page(as_olga, "/statistics/")
    assert "50.0 %" in html
    assert "1 of 2 finished" in html
    assert (
        '<tr class="reporter"><th scope="row"><bdi>olga</bdi></th><td>2</td><td>1 of 2 finished</td>' in html
    )
    assert html.count("<tr><th") == 31
    assert '<path class="source-partner" d="M29.10 0.00h0.8v50.00h-0.8z"/>' in html
    assert '<path class="source-monitoring" d="M29.10 50.00h0.8v50.00h-0.8z"/>' in html


def test_numbers_in_charts_have_points_in_russian_too(as_olga: Client, incident: Report) -> None:
    incident()
    html = as_olga.get("/statistics/", headers={"Accept-Language": "ru"}).text
    assert 'd="M29.10 50.00h0.8v50.00h-0.8z"' in html
    assert "0,0 %" not in html  # nothing is finished
    assert not re.search(r'(x|y|width|height)="\d+,', html)


@pytest.mark.parametrize(
    "query",
    [
        "since=x",
        "until=2999-01-01",
        "since=0001-01-01",
        "since=2025-02-02&until=2025-01-01",
        "until=0001-01-01",
    ],
)
def test_an_invalid_period_falls_back_to_the_default(as_olga: Client, query: str) -> None:
    page(as_olga, f"/statistics/?{query}")


def test_a_period_is_at_most_five_years() -> None:
    period = PeriodForm({"since": "1970-01-01", "until": "2025-01-01"}).period()
    assert (period.last - period.first).days == 5 * 366


def test_it_shows_how_far_the_counting_is(
    as_olga: Client, incident: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident()
    monkeypatch.setattr(buckets, "catch_up", lambda _budget: False)
    html = page(as_olga, "/statistics/")
    assert "The events are being counted: 0 %" in html
    assert 'http-equiv="refresh"' in html
    assert "Time to resolve" not in html


@pytest.mark.parametrize(
    ("number", "ceiling"),
    [(0, 2), (1, 2), (3, 4), (9, 10), (10, 10), (11, 12), (75, 80), (101, 120), (999, 1000)],
)
def test_the_scale_ends_at_a_round_and_even_number(number: int, ceiling: int) -> None:
    assert charts.nice_ceiling(number) == ceiling


def test_bars_are_stacked() -> None:
    bars = charts.stacked(
        [Day(date(2025, 1, 1), Counter(operator=1, partner=3)), Day(date(2025, 1, 2), Counter())]
    )
    paths = dict(bars.paths)
    assert paths["operator"] == "M0.10 75.00h0.8v25.00h-0.8z"
    assert paths["partner"] == "M0.10 0.00h0.8v75.00h-0.8z"
    assert paths["system"] == ""


@pytest.mark.django_db(transaction=True)
def test_they_include_the_newest_events_while_writers_have_to_wait(as_olga: Client, incident: Report) -> None:
    page(as_olga, "/statistics/")
    incident(source=Source.PARTNER)
    with database_held("users_loginattempts"):
        html = page(as_olga, "/statistics/")
        csv = as_olga.get("/statistics.csv")
    assert '<path class="source-partner" ' in html
    assert csv.status_code == 200
