"""Values of a decoded payload, whatever their type is, as texts, keys, timestamps and links."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from common import datetimes
from incidents.signals import MAX_LINK_LENGTH
from incidents.validators import FORBIDDEN, normalized_dedup_key
from integrations.signals import InvalidEvent

# JavaScript's slice() cuts an emoji in two, and JSON.stringify() writes the half that is left.
SURROGATES = re.compile("[\ud800-\udfff]")
OFFSET_WITHOUT_COLON = re.compile(r"([+-]\d\d)(\d\d)$", re.ASCII)
EPOCH = re.compile(r"\d{9,13}(\.\d+)?", re.ASCII)
MILLISECONDS = 10**11  # A number past it counts milliseconds: as seconds it would be the year 5138.
MAX_AHEAD = timedelta(days=1)


def as_mapping(value: object) -> Mapping[str, Any]:
    """Return `value` if it is a JSON object, and an empty one if it is not."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def as_text(value: object) -> str:
    """Write a JSON value as plain text; null is the empty text."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if text.isprintable():
        return text  # None of those characters is.
    return SURROGATES.sub("\ufffd", FORBIDDEN.sub("", text))


def as_line(value: object) -> str:
    """Write a JSON value as one line without white space around it."""
    return " ".join(as_text(value).split())


def first_line(*values: object) -> str:
    """Return the first of `values` that is not blank, as one line; the empty text if all are."""
    return next((line for value in values if (line := as_line(value))), "")


def paragraphs(*parts: str | Iterable[str]) -> str:
    """Join the parts that are not empty by blank lines; a part is a text or its lines."""
    texts = (part if isinstance(part, str) else "\n".join(filter(None, part)) for part in parts)
    return "\n\n".join(text.strip() for text in texts if text.strip())


def named(name: str, value: object) -> str:
    """Write "name: value", and nothing if the value is blank."""
    text = as_text(value).strip()
    return f"{as_line(name)}: {text}" if text else ""


def cut(text: str, limit: int) -> str:
    """Return at most `limit` characters; the last is an ellipsis where some are missing."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def as_key(value: object, field: str) -> str:
    """Return the key of 1 to 255 characters that `value` gives: a longer one is its SHA-256.

    Raises `InvalidEvent` naming `field` if there is none.
    """
    if isinstance(value, bool | float | dict | list):
        raise InvalidEvent(f"'{field}' must be text")
    key = normalized_dedup_key(as_text(value).strip())
    if key is None:
        raise InvalidEvent(f"'{field}' is missing or blank")
    return key


def as_datetime(value: object, now: datetime) -> datetime | None:
    """Read ISO 8601 (UTC where it names no offset) or seconds or milliseconds since 1970.

    None for anything else, for years before 1970 or past 2200 (Go's zero time is of the year 1) and for more
    than a day ahead of `now`.
    """
    text = as_text(value).strip()
    try:
        if EPOCH.fullmatch(text):
            number = float(text)
            parsed = datetime.fromtimestamp(number / 1000 if number > MILLISECONDS else number, UTC)
        else:
            parsed = datetimes.parse_local(OFFSET_WITHOUT_COLON.sub(r"\1:\2", text), UTC)
    except ValueError:
        return None
    return parsed if parsed <= now + MAX_AHEAD else None


def as_link(*values: object) -> str | None:
    """Return the first of `values` that is a link to another host over http or https."""
    for value in values:
        text = as_text(value).strip()
        try:
            parts = urlsplit(text)
            is_link = parts.scheme in {"http", "https"} and bool(parts.hostname)
        except ValueError:
            continue
        if is_link and len(text) <= MAX_LINK_LENGTH and not re.search(r"\s", text):
            return text
    return None
