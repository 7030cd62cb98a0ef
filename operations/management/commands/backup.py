"""`manage.py backup`: a checked copy of the database, made while the service runs."""

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from operations.backups import directory, postgres, sqlite
from operations.backups.manifest import BackupError

MEGABYTE = 1_000_000
DEFAULT_KEEP = 7


class Command(BaseCommand):
    help = "Copy the database while the service runs, check the copy and keep the newest ones."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--to", type=Path, metavar="DIR", help="the folder of the backups (default: backups in DATA_DIR)"
        )
        parser.add_argument(
            "--keep",
            type=int,
            default=DEFAULT_KEEP,
            metavar="N",
            help="how many to keep (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["keep"] < 1:
            raise CommandError("--keep must be at least 1")
        started = time.monotonic()
        folder = options["to"] or settings.DATA_DIR / "backups"
        try:
            path, rows = back_up(folder)
            deleted = directory.delete_older(folder, options["keep"])
        except (BackupError, OSError) as error:
            raise CommandError(f"No backup was made: {error}") from error
        counted = f", {rows:,} rows" if rows else ""
        pruned = f", {len(deleted)} older deleted" if deleted else ""
        self.stdout.write(
            f"{path}: {path.stat().st_size / MEGABYTE:,.1f} MB{counted}, "
            f"checked, {time.monotonic() - started:.1f} s{pruned}"
        )


def back_up(folder: Path) -> tuple[Path, int]:
    """Make a backup in the folder; return its path and how many rows were counted in it."""
    suffix = postgres.SUFFIX if settings.DATABASE_URL else sqlite.SUFFIX
    with directory.new_backup(folder, suffix) as (draft, path):
        if settings.DATABASE_URL:
            manifest = postgres.back_up(settings.DATABASE_URL, draft)
        else:
            manifest = sqlite.back_up(settings.DATABASES["default"]["NAME"], draft)
    return path, manifest.total
