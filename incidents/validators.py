"""The rules for texts that are the same through every door."""

import re

from incidents.models import KEY_LENGTH

# C0 controls but tab, CR and LF: PostgreSQL refuses NUL, terminals obey the others.
FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
# Spreadsheets take the wide ones for the usual ones. The apostrophe is among them so that it can be undone.
GUARDED = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")
VISIBLE_ASCII = re.compile(rf"[!-~]{{1,{KEY_LENGTH}}}")


def has_forbidden_characters(text: str) -> bool:
    return FORBIDDEN.search(text) is not None


def is_idempotency_key(text: str) -> bool:
    return VISIBLE_ASCII.fullmatch(text) is not None


def escape_formula(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet could take for a formula."""
    return f"'{text}" if text.startswith(GUARDED) else text


def unescape_formula(text: str) -> str:
    return text[1:] if text.startswith("'") and text[1:].startswith(GUARDED) else text
