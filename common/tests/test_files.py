import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from common import files, locks

Planted = Callable[[str], Path]


@pytest.fixture
def planted(tmp_path: Path) -> Planted:
    """Put a symbolic link to somebody's file where the service is about to write."""

    def plant(name: str) -> Path:
        victim = tmp_path / "victim"
        victim.write_text("precious")
        (tmp_path / name).symlink_to(victim)
        return victim

    return plant


def test_a_file_is_its_owners_alone_and_whole(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with files.atomic_write(tmp_path / "a") as draft:
            draft.write_text("new")
            assert not (tmp_path / "a").exists()
    finally:
        os.umask(before)
    assert (tmp_path / "a").read_text() == "new"
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def fail_to_write(path: Path) -> None:
    with files.atomic_write(path) as draft:
        draft.write_text("half")
        raise RuntimeError


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    with pytest.raises(RuntimeError):
        fail_to_write(tmp_path / "a")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_a_draft_replaces_a_planted_link_and_not_its_target(tmp_path: Path, planted: Planted) -> None:
    victim = planted("a.draft")
    with files.atomic_write(tmp_path / "a") as draft:
        draft.write_text("new")
    assert victim.read_text() == "precious"


def test_a_link_planted_just_before_the_draft_is_refused(
    tmp_path: Path, planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = planted("a.draft")
    monkeypatch.setattr(Path, "unlink", lambda *_args, **_kwargs: None)
    with pytest.raises(FileExistsError), files.atomic_write(tmp_path / "a"):
        pass
    assert victim.read_text() == "precious"


def test_a_lock_file_is_no_planted_link(tmp_path: Path, planted: Planted) -> None:
    victim = planted(".backup.lock")
    with pytest.raises(OSError, match="symbolic links"), locks.exclusive(tmp_path, "backup"):
        pass
    assert victim.read_text() == "precious"


def test_a_lock_file_is_its_owners_alone_and_stays_with_this_process(tmp_path: Path) -> None:
    descriptor = locks.open_lock_file(tmp_path, "a")
    assert stat.S_IMODE((tmp_path / ".a.lock").stat().st_mode) == 0o600
    assert not os.get_inheritable(descriptor)
    os.close(descriptor)
