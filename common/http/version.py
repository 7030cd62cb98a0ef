"""The versions of the service and of what it stands on, found once."""

import functools
import platform
import re
from pathlib import Path

import django
from django.db import connection

CHANGELOG = Path(__file__).parent.parent.parent / "CHANGELOG.md"


@functools.cache
def app() -> str:
    """Read the newest released version from the changelog, e.g. "1.2.0"."""
    found = re.search(r"^## (\d+\.\d+\.\d+)", CHANGELOG.read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else "unreleased"


@functools.cache
def database() -> str:
    """Name the database server and its version, e.g. "PostgreSQL 15.14"; the first call asks it."""
    return f"{connection.display_name} {'.'.join(map(str, connection.get_database_version()))}"


def versions() -> dict[str, str]:
    """Return the versions by name; that of a database server only once `database` has asked it."""
    is_known = connection.vendor == "sqlite" or database.cache_info().currsize
    return {
        "app": app(),
        "python": platform.python_version(),
        "django": django.get_version(),
        "database": database() if is_known else connection.display_name,
    }
