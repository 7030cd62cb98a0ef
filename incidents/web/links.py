"""Links in texts: addresses, mails, phones, numbers of incidents, and what the setting TEXT_LINKS names.

    linked("Самокат 104233: см. №17")

All that is no link is escaped, and so are the links.
"""

import re
from collections.abc import Callable, Iterator
from urllib.parse import quote

from django.conf import settings
from django.urls import reverse
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

# Each begins only where a word does and repeats within bounds: the time is linear in the length of the text.
ADDRESS = re.compile(r"(?<!\w)https?://[^\s<>\"]{1,2000}", re.IGNORECASE)
MAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}(?![\w@])")
# With a plus, or as Russian numbers are written at home.
PHONE = re.compile(r"(?<![\w+])(?:\+\d|8(?=[ (-]))(?:[ ()-]{0,2}\d){9,13}(?!\w)", re.ASCII)
NUMBER = re.compile(r"(?<![\w&])[№#] ?(\d{1,18})(?!\w)")
MAX_LINKS = 200
CLOSING = {")": "(", "]": "[", "}": "{"}

Found = re.Match[str]
BUILT_IN: tuple[tuple[re.Pattern[str], Callable[[Found], str]], ...] = (
    (ADDRESS, lambda found: without_punctuation(found[0])),
    (MAIL, lambda found: f"mailto:{quote(found[0], safe='@')}"),
    (PHONE, lambda found: "tel:" + re.sub(r"[^\d+]", "", found[0])),
    (NUMBER, lambda found: reverse("web:incident", args=[int(found[1])])),
)


def linked(text: str) -> SafeString:
    """Return the text as HTML. Of links that overlap, the first in the order of `candidates` is taken."""
    taken = bytearray(len(text))
    links: list[tuple[int, int, str]] = []
    for start, end, url in candidates(text):
        if len(links) == MAX_LINKS:
            break
        if not any(taken[start:end]):
            taken[start:end] = b"x" * (end - start)
            links.append((start, end, url))
    parts: list[str] = []
    position = 0
    for start, end, url in sorted(links):
        parts += [escape(text[position:start]), anchor(text[start:end], url)]
        position = end
    return mark_safe("".join([*parts, escape(text[position:])]))  # noqa: S308  # all parts are escaped


def anchor(text: str, url: str) -> SafeString:
    if url.startswith("/"):
        return format_html('<a href="{}">{}</a>', url, text)
    return format_html('<a href="{}" rel="noopener nofollow">{}</a>', url, text)


def candidates(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield the start, the end and the URL of what may be a link, what the setting names first."""
    for pattern, url in settings.TEXT_LINKS:
        for found in pattern.finditer(text):
            yield *found.span(), filled(url, found)
    for pattern, url_of in BUILT_IN:
        for found in pattern.finditer(text):
            url = url_of(found)
            yield found.start(), found.start() + len(url) if pattern is ADDRESS else found.end(), url


def filled(url: str, found: Found) -> str:
    r"""Put the groups of the match into `\1` to `\9`, quoted."""
    return re.sub(r"\\([1-9])", lambda group: quote(found[int(group[1])] or "", safe=""), url)


def without_punctuation(address: str) -> str:
    """Leave out what ends the sentence rather than the address."""
    while address[-1] in ".,;:!?'»”…" or (
        address[-1] in CLOSING and address.count(address[-1]) > address.count(CLOSING[address[-1]])
    ):
        address = address[:-1]
    return address
