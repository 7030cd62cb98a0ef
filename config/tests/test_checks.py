"""What `manage.py check --deploy` warns an administrator of."""

from pathlib import Path

import pytest
from django.core import checks
from pytest_django import Settings

DEPLOY = ["security"]


def ids() -> set[str | None]:
    return {message.id for message in checks.run_checks(tags=DEPLOY)}


@pytest.mark.parametrize("mode", [0o701, 0o710, 0o750, 0o755, 0o777])
def test_a_data_folder_that_others_may_look_into_is_reported(
    tmp_path: Path, settings: Settings, mode: int
) -> None:
    settings.DATA_DIR = tmp_path / "data"
    assert "config.W003" not in ids()
    settings.DATA_DIR.mkdir(0o700)
    assert "config.W003" not in ids()
    settings.DATA_DIR.chmod(mode)
    assert "config.W003" in ids()


def test_rest_without_a_login_is_reported(settings: Settings) -> None:
    assert "config.W002" not in ids()
    settings.REST_PUBLIC = True
    assert "config.W002" in ids()
