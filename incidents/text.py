"""The one rule for texts that people write, the same through every door."""

import re

# C0 controls but tab, CR and LF: PostgreSQL refuses NUL, terminals obey the others.
FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def has_forbidden_characters(text: str) -> bool:
    return FORBIDDEN.search(text) is not None
