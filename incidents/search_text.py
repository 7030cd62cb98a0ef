"""Texts as the search compares them."""

from itertools import groupby
from unicodedata import combining, normalize

# In a row; no text of any language has more (UAX #15, Stream-Safe Text Format).
MAX_COMBINING_MARKS = 30
# They are no combining marks by themselves, but decompose into some.
MADE_OF_MARKS = frozenset("\u0f73\u0f75\u0f81")


def folded(text: str) -> str:
    """Return `text` as the search sees it: without the difference of case, or of «ё» and «е».

    The time is linear in the length of the text. To sort a run of combining marks takes a time that is not,
    so a text with a long one is left unnormalized.
    """
    if not text.isascii() and longest_run(text) <= MAX_COMBINING_MARKS:
        text = normalize("NFC", text)
    return text.casefold().replace("ё", "е")


def longest_run(text: str) -> int:
    """Count the most characters in a row that are, or decompose into, combining marks."""
    marks = {*filter(combining, text), *MADE_OF_MARKS.intersection(text)}
    if not marks:
        return 0
    return max(len(list(run)) for is_mark, run in groupby(text, marks.__contains__) if is_mark)
