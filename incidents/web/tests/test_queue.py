import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import pytest
from django.test import Client
from django.utils import timezone

from incidents import services
from incidents.models import Event, Incident, Source, Status
from incidents.services import NewIncident, Origin
from incidents.severity import Severity
from incidents.web import first_steps, queue
from testing.clients import new_client
from testing.reading import next_page, page, row_ids, tab_counts
from users.models import User

Report = Callable[..., Incident]
START = datetime(2025, 1, 1, tzinfo=UTC)


def test_it_shows_what_waits_and_then_what_is_taken_newest_first(as_olga: Client, incident: Report) -> None:
    old = incident(created_at=START)
    incident(status=Status.CLOSED)
    taken = incident(status=Status.IN_PROGRESS)
    new = incident()
    html = page(as_olga, "/")
    assert row_ids(html) == [new.pk, old.pk, taken.pk]
    assert heads(html) == [("Open", "2"), ("In progress", "1")]
    assert html.index(f'id="incident-{old.pk}"') < html.index(">In progress <b data-tab")
    assert "<title>(2) Queue" in html


def heads(html: str) -> list[tuple[str, str]]:
    return re.findall(r"<h2>([^<]+) <b data-tab=\"\w*\">(\d+)</b></h2>", html)


def test_critical_ones_are_the_first_of_those_that_wait(as_olga: Client, incident: Report) -> None:
    worst = incident(severity=Severity.CRITICAL, created_at=START)
    taken = incident(severity=Severity.CRITICAL, status=Status.IN_PROGRESS)
    bad, plain = incident(severity=Severity.ERROR), incident()
    assert row_ids(page(as_olga, "/")) == [worst.pk, plain.pk, bad.pk, taken.pk]
    assert row_ids(page(as_olga, "/", order="oldest")) == [worst.pk, bad.pk, plain.pk, taken.pk]
    assert row_ids(page(as_olga, "/", status="open", order="")) == [worst.pk, plain.pk, bad.pk]


def test_mine_are_the_active_ones_of_the_viewer(
    as_olga: Client, olga: User, admin: User, incident: Report
) -> None:
    origin = Origin(olga.pk, Event.Channel.PAGE)
    mine, others, finished = incident(), incident(), incident()
    services.change(mine.pk, origin, status=Status.IN_PROGRESS)
    services.change(others.pk, Origin(admin.pk, Event.Channel.PAGE), status=Status.IN_PROGRESS)
    services.change(finished.pk, origin, status=Status.CLOSED, assignee=olga.pk)
    html = page(as_olga, "/", status="mine")
    assert row_ids(html) == [mine.pk]
    assert tab_counts(html)["mine"] == 1
    assert tab_counts(page(as_olga, "/"))["mine"] == 1
    assert tab_counts(page(as_olga, "/", source="operator"))["mine"] == 1
    assert row_ids(page(as_olga, "/changes/", status="mine", after_event=0)) != []


def test_it_waits_since_it_became_open_and_not_since_it_happened(
    as_olga: Client, olga: User, incident: Report
) -> None:
    one = incident(created_at=START)
    assert "late-2" in page(as_olga, "/")
    origin = Origin(olga.pk, Event.Channel.PAGE)
    services.change(one.pk, origin, status=Status.IN_PROGRESS)
    services.change(one.pk, origin, status=Status.OPEN, assignee=None)
    html = page(as_olga, "/")
    assert re.search(r"Waits <time[^>]*>&lt;1 min</time>", html)
    assert "late-" not in html


@pytest.mark.parametrize(
    ("waits", "late", "words"),
    [
        (timedelta(minutes=14), "", "Ждёт 14 мин"),
        (timedelta(minutes=15), " late-1", "Ждёт 15 мин"),
        (timedelta(hours=1), " late-2", "Ждёт 1 ч"),
        (timedelta(hours=1, minutes=5), " late-2", "Ждёт 1 ч 5 мин"),
        (timedelta(days=2, hours=4, minutes=59), " late-2", "Ждёт 2 дня 4 ч"),
        (timedelta(days=5), " late-2", "Ждёт 5 дней"),
    ],
)
def test_who_waits_too_long_is_marked(
    as_olga: Client, incident: Report, waits: timedelta, late: str, words: str
) -> None:
    one = incident()
    Incident.objects.filter(pk=one.pk).update(created_at=timezone.now() - waits)
    html = as_olga.get("/", headers={"Accept-Language": "ru"}).text
    assert f'class="row status-open{late}"' in html
    assert words in re.sub(r"</?time[^>]*>", "", html)


def test_the_order_is_remembered(as_olga: Client, incident: Report) -> None:
    new, old = incident(), incident(created_at=START)
    assert 'class="order" href="?order=oldest"' in page(as_olga, "/")
    assert row_ids(page(as_olga, "/", order="oldest")) == [old.pk, new.pk]
    html = page(as_olga, "/", status="open")
    assert row_ids(html) == [old.pk, new.pk]
    assert 'class="order" href="?status=open&amp;order="' in html
    page(as_olga, "/", order="")
    assert row_ids(page(as_olga, "/")) == [new.pk, old.pk]


def test_each_filter_that_is_on_can_be_taken_away(as_olga: Client, rita: User, incident: Report) -> None:
    one = incident(source=Source.MONITORING)
    Incident.objects.filter(pk=one.pk).update(created_by=rita, dedup_key="x")
    incident(source=Source.MONITORING)
    html = page(as_olga, "/", source="monitoring", sender="rita")
    assert row_ids(html) == [one.pk]
    assert '<a href="?sender=rita" aria-label="source: Monitoring, take the filter away">' in html
    assert '<a href="?source=monitoring" aria-label="sender: rita, take the filter away">' in html
    assert '<b id="filters-on">2</b>' in html
    assert '<span class="from">rita</span>' in html
    assert row_ids(page(as_olga, "/", sender="nobody")) == []


def test_the_tab_all_shows_active_incidents_first(as_olga: Client, incident: Report) -> None:
    active = incident(created_at=START)
    closed = incident(status=Status.CLOSED)
    fake = incident(status=Status.FAKE)
    assert row_ids(page(as_olga, "/", status="all")) == [active.pk, fake.pk, closed.pk]


@pytest.mark.parametrize("status", Status)
def test_each_status_has_its_tab(as_olga: Client, incident: Report, status: Status) -> None:
    reported = {word: incident(status=word) for word in Status}
    html = page(as_olga, "/", status=status.value)
    assert row_ids(html) == [reported[status].pk]
    assert tab_counts(html) == {"active": 2, "mine": 0, "all": 7, **dict.fromkeys(Status.values, 1)}


def test_it_filters_by_source_time_and_text(as_olga: Client, incident: Report) -> None:
    one = incident("Ёлка на дороге", source=Source.PARTNER, created_at=START)
    other = incident("Самокат не в сети", source=Source.OPERATOR, created_at=START + timedelta(days=3))
    assert row_ids(page(as_olga, "/", source="partner")) == [one.pk]
    assert row_ids(page(as_olga, "/", q="ЕЛКА")) == [one.pk]
    assert row_ids(page(as_olga, "/", since="2025-01-03")) == [other.pk]
    assert row_ids(page(as_olga, "/", until="2025-01-03")) == [one.pk]


def test_a_day_begins_in_the_viewers_time_zone(as_olga: Client, incident: Report) -> None:
    one = incident(created_at=datetime(2025, 1, 1, 2, 30, tzinfo=UTC))
    as_olga.cookies["timezone"] = "America/New_York"
    assert row_ids(page(as_olga, "/", until="2024-12-31")) == [one.pk]
    as_olga.cookies["timezone"] = "Asia/Tokyo"
    assert row_ids(page(as_olga, "/", until="2024-12-31")) == []


def test_the_order_oldest_first(as_olga: Client, incident: Report) -> None:
    new, old = incident(), incident(created_at=START)
    assert row_ids(page(as_olga, "/", order="oldest")) == [old.pk, new.pk]


@pytest.mark.parametrize("order", ["", "oldest"])
@pytest.mark.parametrize("tab", ["active", "all"])
def test_pages_neither_repeat_nor_skip(
    as_olga: Client, incident: Report, monkeypatch: pytest.MonkeyPatch, tab: str, order: str
) -> None:
    monkeypatch.setattr(queue.Queue.page, "__defaults__", (3,))
    statuses = [Status.OPEN, Status.CLOSED, Status.IN_PROGRESS, Status.FAKE]
    # Four times of the same time: the id has to decide.
    all_of_them = [
        incident(status=statuses[n % 4], created_at=START + timedelta(days=n // 4)) for n in range(16)
    ]
    seen: list[int] = []
    query: str | None = f"?status={tab}&order={order}"
    while query:
        html = page(as_olga, f"/{query}")
        assert len(row_ids(html)) <= 3
        seen += row_ids(html)
        query = next_page(html)
    expected = [one for one in all_of_them if tab == "all" or one.status in ("open", "in_progress")]
    expected.sort(key=lambda one: (one.created_at, one.pk), reverse=not order)
    expected.sort(key=lambda one: {"open": 0, "in_progress": 1}.get(one.status, 2))
    assert seen == [one.pk for one in expected]


@pytest.mark.parametrize(
    "query",
    [
        "status=burning",
        "source=moon",
        "since=yesterday",
        "until=9999-12-31",
        "since=0001-01-01",
        "order=random",
        "after=0.1.99999999999999999999",
        "after=2.1.1",
        "after=0.1.²",
        "q=%00",
        f"q={'x' * 300}",
        "after=0.9999999999999999.1",
        "q=%25_%5C'%22",
    ],
)
def test_invalid_parameters_are_ignored(as_olga: Client, incident: Report, query: str) -> None:
    incident()
    page(as_olga, f"/?{query}")


def test_the_age_is_in_words_with_the_exact_time_on_hover(as_olga: Client, incident: Report) -> None:
    incident(created_at=timezone.now() - timedelta(minutes=5, seconds=2), status=Status.IN_PROGRESS)
    as_olga.cookies["timezone"] = "Asia/Tokyo"
    html = page(as_olga, "/")
    assert "5 minutes ago</time>" in html
    assert re.search(r'title="[^"]*\d\d:\d\d:\d\d \(JST\)"', html)


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(seconds=20), "только что"),
        (timedelta(minutes=1), "1 минуту назад"),
        (timedelta(minutes=5), "5 минут назад"),
        (timedelta(minutes=22), "22 минуты назад"),
        (timedelta(hours=3), "3 часа назад"),
        (timedelta(days=1), "1 день назад"),
        (timedelta(days=20), "2 недели назад"),
    ],
)
def test_the_age_in_russian_is_declined_correctly(
    as_olga: Client, incident: Report, passed: timedelta, words: str
) -> None:
    incident(created_at=timezone.now() - passed, status=Status.IN_PROGRESS)
    response = as_olga.get("/", headers={"Accept-Language": "ru"})
    assert f"{words}</time>" in response.text


def test_markup_in_rows_is_escaped(as_olga: Client, incident: Report) -> None:
    incident('<script>alert("1")</script><img src=x onerror=alert(2)>')
    html = page(as_olga, "/")
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html
    assert "<img src=x" not in html


def test_only_the_beginning_of_a_long_text_is_sent(as_olga: Client, incident: Report) -> None:
    incident("x" * 10_000)
    assert "x" * 301 not in page(as_olga, "/")


def test_the_number_of_queries_is_independent_of_the_number_of_rows(
    as_olga: Client, incident: Report, django_assert_max_num_queries: Callable[..., object]
) -> None:
    for _n in range(8):
        incident()
    page(as_olga, "/")
    # Session, user, newest event, three groups, counts, mine
    with django_assert_max_num_queries(8):  # type: ignore[attr-defined]
        page(as_olga, "/")


def test_changes_are_the_rows_changed_since_an_event(as_olga: Client, incident: Report) -> None:
    before = incident()
    seen = before.events.latest("id").pk
    open_one = incident()
    closed = incident(status=Status.CLOSED)
    html = page(as_olga, "/changes/", after_event=seen, status="open")
    assert set(row_ids(html)) == {open_one.pk, closed.pk}
    # A row that does not belong to the tab is there for pages that show it already.
    assert re.findall(r'<li id="incident-(\d+)"[^>]*data-belongs', html) == [str(open_one.pk)]
    assert tab_counts(html)["open"] == 2
    assert row_ids(page(as_olga, "/changes/", after_event=seen, incident=closed.pk)) == [closed.pk]
    newest = closed.events.latest("id").pk
    assert row_ids(page(as_olga, "/changes/", after_event=newest)) == []


def test_too_many_changes_ask_to_load_the_page_anew(
    as_olga: Client, incident: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("incidents.web.views.polling.MAX_CHANGES", 2)
    for _n in range(3):
        incident()
    page(as_olga, "/changes/", HTTPStatus.RESET_CONTENT, after_event=0)
    page(as_olga, "/changes/", HTTPStatus.BAD_REQUEST, after_event="x")
    page(as_olga, "/changes/", HTTPStatus.BAD_REQUEST, after_event="")


def test_changes_are_limited_by_events_so_that_none_is_skipped(
    as_olga: Client, incident: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("incidents.web.views.polling.MAX_CHANGES", 4)
    for _n in range(2):
        incident(status=Status.CLOSED)
    assert len(row_ids(page(as_olga, "/changes/", after_event=0))) == 2
    incident(status=Status.CLOSED)
    page(as_olga, "/changes/", HTTPStatus.RESET_CONTENT, after_event=0)


def test_it_filters_by_severity_and_assignee(as_olga: Client, olga: User, incident: Report) -> None:
    error, nobodys = incident("bad", severity=Severity.ERROR), incident("other")
    services.change(error.pk, Origin(olga.pk, Event.Channel.POST), assignee=olga.pk)
    assert row_ids(page(as_olga, "/?severity=error")) == [error.pk]
    assert row_ids(page(as_olga, "/?assignee=me")) == [error.pk]
    assert row_ids(page(as_olga, "/?assignee=none")) == [nobodys.pk]
    assert row_ids(page(as_olga, "/?assignee=x&severity=x")) == [nobodys.pk, error.pk]


def steps_in(html: str) -> list[tuple[bool, str]]:
    card = html.partition("What is next?")[2].partition("</section>")[0]
    return [(bool(done), path) for done, path in re.findall(r'<li( class="done")?><a href="([^"]+)">', card)]


def test_a_new_service_tells_the_superuser_what_is_next(
    admin_browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = ["/report/", "/connections/", "/people/#add-title", "/connections/#destinations"]
    assert steps_in(page(admin_browser, "/")) == [(False, path) for path in paths]
    for path in paths:
        page(admin_browser, path)
    olga = User.objects.create_user("olga")
    services.create(NewIncident("Самокат", Source.OPERATOR), Origin(olga.pk, Event.Channel.REST))
    done = [done for done, _path in steps_in(page(admin_browser, "/"))]
    assert done == [True, False, True, False]
    browser = new_client(headers={"Accept-Language": "en"})
    browser.force_login(olga)
    assert not steps_in(page(browser, "/"))
    monkeypatch.setattr(first_steps, "MAX_INCIDENTS", 1)
    assert not steps_in(page(admin_browser, "/"))


def test_an_empty_queue_tells_what_was_resolved_today(as_olga: Client, incident: Report) -> None:
    assert "Resolved today" not in page(as_olga, "/")
    incident(status=Status.RESOLVED)
    local = timezone.localtime(Incident.objects.get().updated_at)
    assert f"Nothing is burning. Resolved today: 1, the last one at {local:%H:%M}." in page(as_olga, "/")


def test_finished_incidents_leave_the_active_ones_when_somebody_asks(as_olga: Client) -> None:
    link = '<p class="sweep"><a class="button" href="'
    assert link in page(as_olga, "/")
    assert link not in page(as_olga, "/?status=resolved")
