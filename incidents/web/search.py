"""What is typed into the search: words that must all be there, phrases in quotes, the number of an incident.

parse('тормоз "пр. Мира"')   -> Search(("тормоз", "пр. Мира"), None, "")
parse("№2128")               -> Search(("№2128",), 2128, "")
parse("тормоз от:olga")      -> Search(("тормоз",), None, "olga")
"""

import re
from typing import NamedTuple

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from incidents.search_text import folded

NUMBER = re.compile(r"[#№]?\s?(\d{1,18})", re.ASCII)
PERSON = re.compile(r"(?<!\S)(?:от|from):(\S+)", re.IGNORECASE)
WORD = re.compile(r'"([^"]+)"|(\S+)')
# Each costs a look at every text.
MAX_WORDS = 8


class Search(NamedTuple):
    """An incident is found if it mentions all `words`, and the `person` reported it or has it.

    The one with the `number` is found besides.
    """

    words: tuple[str, ...]
    number: int | None
    person: str


def parse(text: str) -> Search:
    number = NUMBER.fullmatch(text.strip())
    if number:
        return Search((text.strip(),), int(number[1]), "")
    person = PERSON.search(text)
    if person:
        text = text.replace(person[0], "")
    words = [phrase or word for phrase, word in WORD.findall(text)]
    # What is left beyond the limit has to be there as it was typed.
    rest = " ".join(words[MAX_WORDS - 1 :])
    return Search(
        (*words[: MAX_WORDS - 1], rest) if rest else tuple(words), None, person[1] if person else ""
    )


def marked(text: str, words: tuple[str, ...]) -> SafeString:
    """Return the text as HTML in which what is mentioned is marked."""
    patterns = (re.sub("[её]", "[её]", re.escape(folded(word))) for word in words)
    if not words:
        return escape(text)
    pieces = re.split(f"({'|'.join(patterns)})", text, flags=re.IGNORECASE)
    html = [
        format_html("<mark>{}</mark>", piece) if n % 2 else escape(piece) for n, piece in enumerate(pieces)
    ]
    return mark_safe("".join(html))  # noqa: S308  # all pieces are escaped
