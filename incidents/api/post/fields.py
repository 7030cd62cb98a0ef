"""The fields of the POST dialect: each reader takes the decoded body and returns a checked value.

A broken rule raises the `ApiError` that contract and clients know word by word.
"""

import re
from datetime import datetime

from api.post.envelope import ApiError, Body
from common import datetimes
from incidents.api.post import vocabulary
from incidents.api.post.cursor import Cursor
from incidents.models import COMMENT_LENGTH, DESCRIPTION_LENGTH, Source
from incidents.validators import has_forbidden_characters, is_idempotency_key

STATUS_WORDS = ", ".join(vocabulary.POST_TO_STORED_STATUS)
SOURCE_WORDS = ", ".join(vocabulary.POST_TO_STORED_SOURCE)
DIGITS = re.compile(r"[0-9]+")
ID_DIGITS = 19
MAX_PAGE_SIZE = 1000


def incident(body: Body) -> str:
    text = body.get("incident")
    if text is None:
        raise ApiError(400, "Incident is required")
    if not isinstance(text, str):
        raise ApiError(400, "Incident must be text")
    if not text.strip():
        raise ApiError(400, "Incident is required")
    if len(text) > DESCRIPTION_LENGTH:
        raise ApiError(400, f"Incident is too long, use at most {DESCRIPTION_LENGTH} characters")
    if has_forbidden_characters(text):
        raise ApiError(400, "Incident has forbidden characters")
    return text


def source(body: Body) -> Source:
    word = body.get("source")
    if not isinstance(word, str) or word not in vocabulary.POST_TO_STORED_SOURCE:
        raise ApiError(400, f"Source is required or wrong, use one of: {SOURCE_WORDS}")
    return vocabulary.POST_TO_STORED_SOURCE[word]


def date(body: Body) -> datetime | None:
    text = body.get("date")
    if text is None:
        return None
    try:
        return datetimes.parse(text)
    except (TypeError, ValueError):
        raise ApiError(400, "Wrong date format") from None


def idempotency_key(body: Body) -> str | None:
    key = body.get("idempotency_key")
    if key is None:
        return None
    if not isinstance(key, str) or not is_idempotency_key(key):
        raise ApiError(400, "Wrong idempotency key")
    return key


def status_filter(body: Body) -> str | None:
    word = body.get("status")
    if word is None:
        return None
    if not isinstance(word, str) or word not in vocabulary.POST_TO_STORED_STATUS:
        raise ApiError(400, f"Status must be one of: {STATUS_WORDS}")
    return word


def limit(body: Body) -> int | None:
    number = body.get("limit")
    if number is None:
        return None
    if type(number) is not int or not 1 <= number <= MAX_PAGE_SIZE:
        raise ApiError(400, f"Limit must be a whole number from 1 to {MAX_PAGE_SIZE}")
    return number


def cursor(body: Body) -> Cursor | None:
    text = body.get("cursor")
    if text is None:
        return None
    try:
        return Cursor.parse(text)
    except ValueError:
        raise ApiError(400, "Wrong cursor") from None


def incident_id(body: Body) -> int:
    number = body.get("id")
    if number is None or number == "":
        raise ApiError(400, "ID is required")
    if type(number) is int:
        return number
    if isinstance(number, str) and DIGITS.fullmatch(number):
        # Python reads no numbers of thousands of digits; past 64 bits no incident is found anyway.
        digits = number.lstrip("0")
        return int(digits or "0") if len(digits) <= ID_DIGITS else 10**ID_DIGITS
    raise ApiError(400, "ID must be numeric")


def new_status(body: Body) -> str:
    word = body.get("status")
    if not isinstance(word, str) or word not in vocabulary.POST_TO_STORED_STATUS:
        raise ApiError(400, f"Status is required or wrong, use one of: {STATUS_WORDS}")
    return word


def comment(body: Body) -> str:
    text = body.get("comment")
    if text is None:
        return ""
    if not isinstance(text, str):
        raise ApiError(400, "Comment must be text")
    if len(text) > COMMENT_LENGTH:
        raise ApiError(400, f"Comment is too long, use at most {COMMENT_LENGTH} characters")
    if has_forbidden_characters(text):
        raise ApiError(400, "Comment has forbidden characters")
    return text
