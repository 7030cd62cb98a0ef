"""`manage.py restore`: look whether a backup is good, or put it in the place of the database."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from common import locks
from operations.backups import postgres, sqlite
from operations.backups.manifest import BackupError
from operations.management.commands.backup import MEGABYTE, back_up


class Command(BaseCommand):
    help = "Put a backup in the place of the database, which is kept; or only check the backup."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a file that `manage.py backup` made")
        parser.add_argument("--check", action="store_true", help="say whether it is good, and change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"]
        if not file.is_file():
            raise CommandError(f"There is no file {file}")
        try:
            if options["check"]:
                self.check_backup(file)
            else:
                self.restore(file)
        except (BackupError, OSError) as error:
            raise CommandError(f"{file}: {error}") from error

    def check_backup(self, file: Path) -> None:
        """Check the backup without touching it or the database; its name says what made it."""
        contents = (postgres if file.suffix == postgres.SUFFIX else sqlite).check(file)
        for table, count in contents.rows.items():
            if count:
                self.stdout.write(f"{count:>12,}  {table}")
        self.stdout.write(f"{file}: {file.stat().st_size / MEGABYTE:,.1f} MB, sound, can be restored")

    def restore(self, file: Path) -> None:
        try:
            with locks.require_stopped(settings.DATA_DIR):
                kept = replace_database(file)
        except locks.ServiceRunning:
            raise BackupError("the service runs: stop it first") from None
        self.stdout.write(f"Restored {file}. Start the service: it brings the tables up to date.")
        if kept:
            self.stdout.write(f"What it replaced is kept: {kept}")


def replace_database(file: Path) -> Path | None:
    """Restore; return where the replaced database is kept, None if there was none."""
    if not settings.DATABASE_URL:
        return sqlite.restore(file, Path(settings.DATABASES["default"]["NAME"]))
    postgres.check(file)
    kept, _ = back_up(settings.DATA_DIR / "backups")
    postgres.restore(file, settings.DATABASE_URL)
    return kept
