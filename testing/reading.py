"""Reading pages as their viewer does."""

import re
from http import HTTPStatus
from typing import Any

from django.test import Client

Html = str


def page(browser: Client, path: str, expected: int = HTTPStatus.OK, **query: Any) -> Html:
    reply: Any = browser.get(path, query)
    assert reply.status_code == expected, reply.content
    text: str = reply.text
    return text


def row_ids(html: Html) -> list[int]:
    """Return the ids of the queue's rows, in their order."""
    return [int(pk) for pk in re.findall(r'<li id="incident-(\d+)"', html)]


def tab_counts(html: Html) -> dict[str, int]:
    """Return the numbers on the tabs, by the word of the tab."""
    found = re.findall(r'<a href="[^"]*" class="status-(\w+)"[^>]*>[^<]*<b>(\d+)</b>', html)
    return {word: int(number) for word, number in found}


def next_page(html: Html) -> str | None:
    found = re.search(r'href="(\?[^"]*)" rel="next"', html)
    return found[1].replace("&amp;", "&") if found else None
