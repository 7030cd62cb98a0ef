"""Active incidents that may be the one that somebody is about to report."""

import re
from datetime import timedelta
from typing import Any

from django.utils import timezone

from incidents.models import ACTIVE, Incident
from incidents.search_text import folded
from incidents.web.queue import in_brief

WITHIN = timedelta(hours=24)
# Newest first, of which this reads the beginning each time that somebody stops typing.
MAX_CANDIDATES = 500
MAX_FOUND = 3
MIN_WORDS = 3
MIN_SHARE = 0.6  # of the words
# Such as the number of a scooter or an order.
NUMBER = re.compile(r"\d{6,}")
WORD = re.compile(r"\w{3,}")


def similar(text: str) -> list[Any]:
    """Return the newest that have a number of six digits, or most of the words, of the text."""
    typed = folded(text)
    numbers, words = set(NUMBER.findall(typed)), set(WORD.findall(typed))
    if not numbers and len(words) < MIN_WORDS:
        return []
    recent = Incident.objects.filter(status__in=ACTIVE, created_at__gt=timezone.now() - WITHIN).newest_first()
    found = (one for one in in_brief(recent)[:MAX_CANDIDATES] if is_similar(one, numbers, words))
    return [one for _n, one in zip(range(MAX_FOUND), found, strict=False)]


def is_similar(incident: Any, numbers: set[str], words: set[str]) -> bool:
    there = folded(incident.brief)
    if not numbers.isdisjoint(NUMBER.findall(there)):
        return True
    return len(words) >= MIN_WORDS and len(words.intersection(WORD.findall(there))) >= MIN_SHARE * len(words)
