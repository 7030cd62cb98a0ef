import stat
from pathlib import Path

from common import secret_key
from testing.clients import together


def test_the_first_key_is_kept_to_its_owner_and_stays(tmp_path: Path) -> None:
    assert secret_key.read(tmp_path) == ""
    assert secret_key.keep("first", tmp_path) == "first"
    assert secret_key.keep("second", tmp_path) == "first"
    assert secret_key.read(tmp_path) == "first"
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_of_many_first_starts_at_once_one_key_wins(tmp_path: Path) -> None:
    kept = together(16, lambda number: secret_key.keep(f"key {number}", tmp_path))
    assert len(set(kept)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_a_folder_that_is_not_there_has_no_key(tmp_path: Path) -> None:
    assert secret_key.read(tmp_path / "nowhere") == ""
    assert secret_key.read(Path("/dev/null/nowhere")) == ""
