"""The rules of the codebase: sizes, docstrings, contracts of imports, migrations."""

import configparser
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader

ROOT = Path(settings.BASE_DIR)
SOURCES = sorted(
    path.relative_to(ROOT)
    for app in ("api", "common", "config", "incidents", "integrations", "operations", "server", "users")
    for path in (ROOT / app).rglob("*.py")
    if not {"tests", "migrations"} & set(path.parts)
)


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_no_module_exceeds_300_lines(path: Path) -> None:
    assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_every_module_of_more_than_50_lines_has_a_docstring(path: Path) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    assert text.startswith('"""') or len(text.splitlines()) < 50


def test_the_characters_of_keys_and_of_texts_are_defined_once() -> None:
    for pattern in ("!-~", r"\x00-\x08"):
        assert [str(path) for path in SOURCES if pattern in (ROOT / path).read_text(encoding="utf-8")] == [
            "incidents/validators.py"
        ]


def test_every_package_is_in_a_contract_of_imports() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    text = (ROOT / ".importlinter").read_text(encoding="utf-8")
    contract = configparser.ConfigParser()
    contract.read_string(text)
    layers = re.split(r"[\s|]+", contract["importlinter:contract:packages"]["layers"].strip())
    assert sorted(layers) == sorted(contract["importlinter"]["root_packages"].split()) == sorted(packages)
    exhaustive = {section["containers"].strip() for section in contract.values() if "exhaustive" in section}
    assert exhaustive >= {"common", "api", "users", "incidents", "integrations", "operations"}


def test_every_model_change_has_its_migration(db: None) -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_every_migration_can_run_in_one_transaction_with_all_others() -> None:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    assert all(migration.atomic for migration in loader.disk_migrations.values())


def test_the_system_checks_find_nothing(db: None) -> None:
    call_command("check", fail_level="WARNING", databases=["default"])
