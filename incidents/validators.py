"""The rules for texts and idempotency keys that every channel shares; each has its own error texts."""

import re
from enum import Enum, auto
from hashlib import sha256

MAX_DESCRIPTION_LENGTH = 10_000
MAX_COMMENT_LENGTH = 2_000
MAX_KEY_LENGTH = 200
MAX_DEDUP_KEY_LENGTH = 255
MAX_SEARCH_LENGTH = 200
# C0 controls but tab, CR and LF: PostgreSQL refuses NUL, terminals obey the others.
FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
# Of an idempotency key: visible ASCII. Its length is MAX_KEY_LENGTH at most.
KEY_PATTERN = "[!-~]+"
KEY = re.compile(rf"(?=.{{1,{MAX_KEY_LENGTH}}}\Z){KEY_PATTERN}")


class TextProblem(Enum):
    BLANK = auto()
    TOO_LONG = auto()
    FORBIDDEN_CHARACTERS = auto()


def text_problem(text: str, max_length: int, *, may_be_blank: bool = False) -> TextProblem | None:
    """Return the first rule that a description or a comment breaks; None if it keeps them all."""
    if not may_be_blank and not text.strip():
        return TextProblem.BLANK
    if len(text) > max_length:
        return TextProblem.TOO_LONG
    if has_forbidden_characters(text):
        return TextProblem.FORBIDDEN_CHARACTERS
    return None


def has_forbidden_characters(text: str) -> bool:
    return FORBIDDEN.search(text) is not None


def is_idempotency_key(text: str) -> bool:
    return KEY.fullmatch(text) is not None


def normalized_dedup_key(text: str) -> str | None:
    """Return the key as it is stored: of one that is too long its SHA-256. None if `text` is no key."""
    if not text.strip() or has_forbidden_characters(text):
        return None
    return text if len(text) <= MAX_DEDUP_KEY_LENGTH else sha256(text.encode()).hexdigest()
