"""`manage.py restore`: check a backup, or replace the database by it."""

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
    help = "Replace the database, which is kept, by a backup; or only check the backup."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a file that `manage.py backup` made")
        parser.add_argument(
            "--check", action="store_true", help="check that it can be restored, and change nothing"
        )

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
        """Check the backup without touching it or the database; its suffix says which database made it."""
        manifest = (postgres if file.suffix == postgres.SUFFIX else sqlite).check(file)
        for table, count in manifest.rows.items():
            if count:
                self.stdout.write(f"{count:>12,}  {table}")
        self.stdout.write(f"{file}: {file.stat().st_size / MEGABYTE:,.1f} MB, valid, can be restored")

    def restore(self, file: Path) -> None:
        try:
            with locks.require_stopped(settings.DATA_DIR):
                replaced = replace_database(file)
        except locks.ServiceRunning:
            raise BackupError("the service runs: stop it first") from None
        self.stdout.write(f"Restored {file}. Start the service: it brings the tables up to date.")
        if replaced:
            self.stdout.write(f"The replaced database is kept: {replaced}")


def replace_database(file: Path) -> Path | None:
    """Restore; return where the replaced database is kept, None if there was none."""
    if not settings.DATABASE_URL:
        return sqlite.restore(file, Path(settings.DATABASES["default"]["NAME"]))
    postgres.check(file)
    replaced, _ = back_up(settings.DATA_DIR / "backups")
    postgres.restore(file, settings.DATABASE_URL)
    return replaced
