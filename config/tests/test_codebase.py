"""The house's own rules."""

from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader

ROOT = Path(settings.BASE_DIR)
SOURCES = sorted(
    path.relative_to(ROOT)
    for app in ("config", "users", "incidents")
    for path in (ROOT / app).rglob("*.py")
    if not {"tests", "migrations"} & set(path.parts)
)


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_no_file_is_longer_than_one_sitting(path: Path) -> None:
    assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_every_file_with_more_than_a_few_lines_says_what_it_is(path: Path) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    assert text.startswith('"""') or len(text.splitlines()) < 50


def test_every_model_change_has_its_migration(db: None) -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_every_migration_can_run_in_one_transaction_with_all_others() -> None:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    assert all(migration.atomic for migration in loader.disk_migrations.values())


def test_the_system_checks_find_nothing(db: None) -> None:
    call_command("check", fail_level="WARNING", databases=["default"])
