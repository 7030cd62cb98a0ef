"""System checks of the service's own settings: `manage.py check`."""

import stat
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, register

from common.db.sqlite.library import FIXED, sqlite3


@register("database")
def sqlite_library_is_fixed(**_kwargs: Any) -> list[CheckMessage]:
    if settings.DATABASE_URL or sqlite3.sqlite_version_info >= FIXED:
        return []
    return [
        checks.Warning(
            f"SQLite {sqlite3.sqlite_version} has the WAL-reset bug, which can corrupt a database.",
            hint="Install the pysqlite3 wheel, or Python with SQLite 3.51.3 or newer.",
            id="config.W001",
        )
    ]


@register("security")
def rest_needs_login(**_kwargs: Any) -> list[CheckMessage]:
    if not settings.REST_PUBLIC:
        return []
    return [
        checks.Warning(
            "REST_PUBLIC is on: whoever reaches /api/ may read and change every incident.",
            hint="Leave it off unless only trusted machines reach the service.",
            id="config.W002",
        )
    ]


@register("security")
def data_folder_is_private(**_kwargs: Any) -> list[CheckMessage]:
    folder = settings.DATA_DIR
    if not folder.is_dir() or not folder.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return []
    return [
        checks.Warning(
            f"Other users of this machine may look into {folder}, where password hashes and the key are.",
            hint=f"chmod -R go= {folder}",
            id="config.W003",
        )
    ]
