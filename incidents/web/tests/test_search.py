from collections.abc import Callable

import pytest
from django.test import Client

from incidents import services
from incidents.models import Event, Incident, Source, Status
from incidents.services import Origin
from incidents.web.search import marked, parse
from testing.reading import page, row_ids, tab_counts
from users.models import User

Report = Callable[..., Incident]


@pytest.mark.parametrize(
    ("text", "words", "number"),
    [
        ("", (), None),
        ("тормоз", ("тормоз",), None),
        (" тормоз  Мира ", ("тормоз", "Мира"), None),
        ('"пр. Мира" тормоз', ("пр. Мира", "тормоз"), None),
        ('"не закрыта', ('"не', "закрыта"), None),
        ("2128", ("2128",), 2128),
        ("#2128", ("#2128",), 2128),
        ("№ 2128", ("№ 2128",), 2128),
        ("2128 x", ("2128", "x"), None),
        ("9" * 30, ("9" * 30,), None),
        ("a b c d e f g h i j", ("a", "b", "c", "d", "e", "f", "g", "h i j"), None),
    ],
)
def test_it_is_read_as(text: str, words: tuple[str, ...], number: int | None) -> None:
    assert parse(text) == (words, number, "")


def test_from_names_a_person(as_olga: Client, rita: User, incident: Report) -> None:
    assert parse("тормоз от:rita мира") == (("тормоз", "мира"), None, "rita")
    assert parse("FROM:olga") == ((), None, "olga")
    own = incident("Самокат упал")
    ritas = incident("Самокат стоит")
    Incident.objects.filter(pk=ritas.pk).update(created_by=rita)
    assert row_ids(page(as_olga, "/", q="от:rita")) == [ritas.pk]
    assert row_ids(page(as_olga, "/", q="самокат from:olga")) == [own.pk]
    assert row_ids(page(as_olga, "/", q="от:nobody")) == []


def test_all_words_in_any_order(as_olga: Client, incident: Report) -> None:
    both = incident("На пр. Мира сломан Тормоз")
    incident("Тормоз сломан")
    assert row_ids(page(as_olga, "/", q="тормоз мира")) == [both.pk]
    assert row_ids(page(as_olga, "/", q='"мира тормоз"')) == []
    assert row_ids(page(as_olga, "/", q='тормоз "ПР. МИРА"')) == [both.pk]


@pytest.mark.parametrize("form", ["{}", "#{}", "№{}"])
def test_the_incident_of_a_number_comes_first(as_olga: Client, incident: Report, form: str) -> None:
    one = incident("Первый", status=Status.CLOSED)
    typed = form.format(one.pk)
    other = incident(f"Похоже на {typed}")
    html = page(as_olga, "/", q=typed)
    assert row_ids(html)[:2] == [one.pk, other.pk]
    assert f'id="goto" class="button" href="/incident/{one.pk}/">Go to #{one.pk}' in html
    assert 'id="goto"' not in page(as_olga, "/", q="987654")


def test_the_counts_follow_the_source_and_the_search(
    as_olga: Client, incident: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident("Самокат", source=Source.MONITORING)
    incident("Самокат", source=Source.MONITORING, status=Status.CLOSED)
    incident("Станция")
    counts = tab_counts(page(as_olga, "/", source="monitoring"))
    assert (counts["active"], counts["open"], counts["closed"], counts["all"]) == (1, 1, 1, 2)
    html = page(as_olga, "/", q="самокат")
    # To count the finished ones would cost a look at each.
    assert tab_counts(html) == {"active": 1, "open": 1, "in_progress": 0, "mine": 0}
    assert "<b>–</b>" in html
    assert "Found: 1" in html
    assert tab_counts(page(as_olga, "/changes/", q="самокат", after_event=0))["active"] == 1
    monkeypatch.setattr("incidents.web.tabs.MAX_COUNTED", 1)
    assert tab_counts(page(as_olga, "/", q="самокат")) == {}
    assert 'id="tabs"' not in page(as_olga, "/changes/", q="самокат", after_event=0)
    assert tab_counts(page(as_olga, "/", q="самокат", status="closed")) == {"closed": 1}


def test_a_search_without_a_result_leads_on(as_olga: Client, incident: Report) -> None:
    one = incident("Самокат", status=Status.CLOSED)
    html = page(as_olga, "/", q="самокат")
    assert '<a href="?q=%D1%81%D0%B0%D0%BC%D0%BE%D0%BA%D0%B0%D1%82&amp;status=all">Search in all' in html
    assert row_ids(page(as_olga, "/", q="самокат", status="all")) == [one.pk]


def test_what_matches_is_marked(as_olga: Client, incident: Report) -> None:
    incident("Ёлка & <b>ель</b>")
    assert "<mark>Ёлка</mark> &amp; &lt;b&gt;ель&lt;/b&gt;" in page(as_olga, "/", q="елка")
    assert marked("a.b <x>", (".",)) == "a<mark>.</mark>b &lt;x&gt;"
    assert marked("<x>", ()) == "&lt;x&gt;"


def test_comments_are_searched(as_olga: Client, olga: User, incident: Report) -> None:
    one, _other = incident("Самокат 104233"), incident("Самокат 104234")
    origin = Origin(olga.pk, Event.Channel.PAGE)
    services.change(one.pk, origin, comment="Увезли на <b>СКЛАД</b>, ёлка")
    html = page(as_olga, "/", q="склад")
    assert row_ids(html) == [one.pk]
    assert "in a comment: <bdi>Увезли на &lt;b&gt;<mark>СКЛАД</mark>&lt;/b&gt;, ёлка</bdi>" in html
    # Words of both
    assert row_ids(page(as_olga, "/", q="104233 елка")) == [one.pk]
    assert "in a comment:" not in page(as_olga, "/", q="104233")
    html = page(as_olga, "/changes/", q="склад", after_event=0)
    assert "in a comment:" in html


def test_the_searched_text_is_bounded(olga: User, incident: Report) -> None:
    one = incident("x" * 10_000)
    origin = Origin(olga.pk, Event.Channel.PAGE)
    for _n in range(20):
        services.change(one.pk, origin, comment="y" * 2000)
    assert len(Incident.objects.get().search_text) < 42_100
