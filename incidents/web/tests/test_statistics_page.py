import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from incidents.models import Incident, Source, Status
from incidents.statistics import buckets
from incidents.statistics.report import Slot
from incidents.web import charts
from incidents.web.views.statistics import PeriodForm
from testing.clients import database_held
from testing.reading import page, row_ids
from users.models import User

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
        [
            Slot(datetime(2025, 1, 1, tzinfo=UTC), Counter(operator=1, partner=3)),
            Slot(datetime(2025, 1, 2, tzinfo=UTC), Counter()),
        ]
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


def test_what_waits_now_leads_into_the_queue(as_olga: Client, olga: User, incident: Report) -> None:
    assert "Oldest that waits</span><b>—" in page(as_olga, "/statistics/")
    oldest = incident(created_at=timezone.now() - timedelta(hours=2))
    incident()
    taken = incident(status=Status.IN_PROGRESS)
    Incident.objects.filter(pk=taken.pk).update(assignee=olga)
    html = page(as_olga, "/statistics/")
    figures = re.findall(
        r'<a class="card[^"]*" href="([^"]+)"><span class="aside">([^<]+)</span><b>(.+?)</b>', html
    )
    assert [(url, value.replace("\xa0", " ")) for url, _label, value in figures] == [
        ("/?status=open", "2"),
        (f"/incident/{oldest.pk}/", "2 hours"),
        ("/?status=in_progress", "1"),
        ("/?assignee=me", "1"),
    ]
    assert "longer than the norm: 1" in html


def test_backwards_dates_are_an_error(as_olga: Client) -> None:
    html = page(as_olga, "/statistics/?since=2025-02-02&until=2025-01-01")
    assert "The beginning is after the end." in html
    assert 'value="2025-02-02"' in html
    assert 'class="chart' not in html


def test_figures_stand_beside_those_of_the_period_before(as_olga: Client, incident: Report) -> None:
    incident()
    html = page(as_olga, "/statistics/")
    assert re.search(r"Incidents reported</span><b>1</b><span class=\"aside\">▲ before: 0", html)
    assert re.search(r"Time to resolve</span><b>—</b>", html)


@pytest.mark.parametrize(
    ("since", "number", "ticks", "header"),
    [
        ("2025-06-09", 1, None, "Hour"),
        ("2025-06-08", 2, None, "Hour"),
        ("2025-06-04", 6, ["4 Jun", "5 Jun", "6 Jun", "7 Jun", "8 Jun", "9 Jun"], "Day"),
        ("2025-05-11", 30, ["12 May", "19 May", "26 May", "2 Jun", "9 Jun"], "Day"),
        ("2024-12-01", 191, ["Dec 2024", "Jan 2025", "Feb"], "Day"),
        ("2021-06-09", 1462, ["2022", "2023", "2024", "2025"], "Day"),
    ],
)
def test_the_axis_has_names(
    as_olga: Client, since: str, number: int, ticks: list[str] | None, header: str
) -> None:
    html = page(as_olga, f"/statistics/?since={since}&until=2025-06-09")
    chart = html.partition('<svg class="ticks">')[2].partition("</svg>")[0]
    names = re.findall(r"<text [^>]*>([^<]+)</text>", chart)
    if ticks is None:
        assert (
            names
            == {1: ["9 Jun", "06:00", "12:00", "18:00"], 2: ["8 Jun", "12:00", "9 Jun", "12:00"]}[number]
        )
        number *= 24
    else:
        assert names[: len(ticks)] == ticks
    assert html.count('<rect x="') == 2 * number
    assert f'<th scope="col">{header}</th>' in html


def test_bars_and_numbers_lead_into_the_queue_of_their_day_and_source(
    as_olga: Client, incident: Report
) -> None:
    one = incident(source=Source.PARTNER)
    incident()
    html = page(as_olga, "/statistics/")
    today = timezone.localdate().isoformat()
    day = f"/?status=all&amp;since={today}&amp;until={today}"
    assert f'<a href="{day}" tabindex="-1"><rect x="29" width="1" height="100" class="running"' in html
    [link] = re.findall(rf'<a href="({re.escape(day)}&amp;source=partner)">1</a>', html)
    assert row_ids(page(as_olga, link.replace("&amp;", "&"))) == [one.pk]


def test_only_a_superuser_sees_the_numbers_of_all_people(
    as_olga: Client, as_vera: Client, admin_browser: Client, incident: Report
) -> None:
    incident(status=Status.RESOLVED)
    row = '<tr class="person"><th scope="row"><bdi>olga</bdi></th><td>0</td><td>1</td>'
    assert [row in page(browser, "/statistics/") for browser in (as_olga, admin_browser, as_vera)] == [
        True,
        True,
        False,
    ]


def test_the_days_of_a_week_lead_into_the_queue(as_olga: Client, incident: Report) -> None:
    incident()
    html = page(as_olga, "/statistics/?since=2025-06-03&until=2025-06-09")
    rows = re.findall(r'<tr class="weekday"><th scope="row"><a href="([^"]+)">(\w+)</a>', html)
    assert rows[0] == ("/?status=all&amp;since=2025-06-09&amp;until=2025-06-09", "Mon")
    assert len(rows) == 7
    assert '<tr class="weekday"><th scope="row">Mon</th>' in page(as_olga, "/statistics/")
