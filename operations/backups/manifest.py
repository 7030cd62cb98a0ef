"""What a backup holds, and whether this version of the service can use it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db.migrations.loader import MigrationLoader

Migration = tuple[str, str]


class BackupError(Exception):
    """Why a backup cannot be made, trusted or put back, in words for the administrator."""


@dataclass(frozen=True, slots=True)
class Contents:
    """The migrations applied in a backup, as (app, name), and the rows of each table if they are counted."""

    migrations: frozenset[Migration]
    rows: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.rows.values())


def must_be_usable(contents: Contents) -> None:
    """Raise `BackupError` for the backup of something else, or of a newer version of the service."""
    known = MigrationLoader(None).disk_migrations
    if not contents.migrations & known.keys():
        raise BackupError("it is no database of this service")
    own_apps = {app for app, _ in known}
    unknown = sorted(".".join(it) for it in contents.migrations - known.keys() if it[0] in own_apps)
    if unknown:
        raise BackupError(f"a newer version of the service made it, one with {', '.join(unknown)}")
