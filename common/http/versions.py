"""The versions of the service and of what it stands on."""

import platform
import re
from pathlib import Path

import django
from django.db import Error, connection

CHANGELOG = Path(__file__).parent.parent.parent / "CHANGELOG.md"


def app() -> str:
    """Read the newest released version from the changelog, e.g. "1.2.0"."""
    found = re.search(r"^## (\d+\.\d+\.\d+)", CHANGELOG.read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else "unreleased"


def database() -> str:
    """Name the database server and, if it answers, its version, e.g. "SQLite 3.53.4"."""
    try:
        number = ".".join(map(str, connection.get_database_version()))
    except Error:
        return connection.display_name
    return f"{connection.display_name} {number}"


def all_of_them() -> dict[str, str]:
    return {
        "app": app(),
        "python": platform.python_version(),
        "django": django.get_version(),
        "database": database(),
    }
