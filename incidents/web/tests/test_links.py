import re
import time
from typing import Any

import pytest
from django.test import override_settings

from config import env
from incidents.web.links import linked


def outward(url: str, text: str) -> str:
    return f'<a href="{url}" rel="noopener nofollow">{text}</a>'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        (
            "https://example.com/a?b=1&c=2",
            outward("https://example.com/a?b=1&amp;c=2", "https://example.com/a?b=1&amp;c=2"),
        ),
        (
            "(см. http://example.com/a_(b)).",
            f"(см. {outward('http://example.com/a_(b)', 'http://example.com/a_(b)')}).",
        ),
        ("«https://пример.рф/»", f"«{outward('https://пример.рф/', 'https://пример.рф/')}»"),
        (
            "Пишите ivan.p@example.com.",
            f"Пишите {outward('mailto:ivan.p@example.com', 'ivan.p@example.com')}.",
        ),
        ("+7 (912) 345-67-89", outward("tel:+79123456789", "+7 (912) 345-67-89")),
        ("8 912 345 67 89, Пётр", f"{outward('tel:89123456789', '8 912 345 67 89')}, Пётр"),
        ("+4930123456789", outward("tel:+4930123456789", "+4930123456789")),
        ("как №2128 и #17", 'как <a href="/incident/2128/">№2128</a> и <a href="/incident/17/">#17</a>'),
        ("https://example.com/#17", outward("https://example.com/#17", "https://example.com/#17")),
    ],
)
def test_it_links(text: str, html: str) -> None:
    assert linked(text) == html


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "самокат 104233456789",
        "заказ 812345678901",
        "AB#17x",
        "&#39; это не номер",
        "№99999999999999999999",
        "a@b",
        "http://",
        "// + 8 -",
    ],
)
def test_it_leaves(text: str) -> None:
    assert "<a " not in linked(text)


def test_what_is_no_link_is_escaped_and_what_is_one_too() -> None:
    html = linked('<script>https://example.com/"onmouseover="x</script> <b>№5</b>\'&')
    assert html == (
        "&lt;script&gt;"
        + outward("https://example.com/", "https://example.com/")
        + "&quot;onmouseover=&quot;x"
        '&lt;/script&gt; &lt;b&gt;<a href="/incident/5/">№5</a>&lt;/b&gt;&#x27;&amp;'
    )


def rules(monkeypatch: pytest.MonkeyPatch, value: str) -> Any:
    monkeypatch.setenv("TEXT_LINKS", value)
    return env.text_links("TEXT_LINKS")


def test_the_rules_of_the_setting_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    value = r"""
        самокат (\d{6}) -> https://fleet.example/scooters/\1
        (#\d+)/(\S+) -> /x/\2?of=\1
    """
    with override_settings(TEXT_LINKS=rules(monkeypatch, value)):
        assert linked("Самокат 104233 упал") == (
            outward("https://fleet.example/scooters/104233", "Самокат 104233") + " упал"
        )
        assert linked("#7/a&b") == '<a href="/x/a%26b?of=%237">#7/a&amp;b</a>'


@pytest.mark.parametrize(
    "value", ["самокат", "(x -> https://example.com/", "x -> javascript:alert(1)", r"x -> /\1", "x* -> /y"]
)
def test_a_wrong_rule_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    with pytest.raises(env.WrongSetting, match="TEXT_LINKS"):
        rules(monkeypatch, value)


@pytest.mark.parametrize(
    "piece", ["a.", "a@", "#1 ", "8 ", "+7 ", "https://", "http://a)", "8(", "a@a.a", "+7-9"]
)
def test_the_time_is_linear_in_the_length(piece: str) -> None:
    started = time.perf_counter()
    html = linked(piece * (10_000 // len(piece)))
    assert time.perf_counter() - started < 1
    assert re.sub("<[^>]+>", "", html)[:1] == piece[0]
