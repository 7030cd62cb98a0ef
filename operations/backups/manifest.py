"""What a backup contains, and whether this version of the service can use it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db.migrations.loader import MigrationLoader

Migration = tuple[str, str]


class BackupError(Exception):
    """Why a backup cannot be made, used or restored, in words for the administrator."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The applied migrations of a backup, as (app, name), and the row count of each table if known."""

    migrations: frozenset[Migration]
    rows: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.rows.values())


def require_usable(manifest: Manifest) -> None:
    """Raise `BackupError` for a backup of something else, or of a newer version of the service."""
    known = MigrationLoader(None).disk_migrations
    if not manifest.migrations & known.keys():
        raise BackupError("it is no database of this service")
    own_apps = {app for app, _ in known}
    unknown = sorted(".".join(it) for it in manifest.migrations - known.keys() if it[0] in own_apps)
    if unknown:
        raise BackupError(f"a newer version of the service made it, one with {', '.join(unknown)}")
