import os
from pathlib import Path

import pytest

from common import cpus


@pytest.fixture(autouse=True)
def eight_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(8)), raising=False)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_without_control_groups_affinity_decides(tmp_path: Path) -> None:
    assert cpus.available(tmp_path) == 8


def test_without_affinity_all_processors_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    assert cpus.available(tmp_path) == os.cpu_count()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("max 100000", 8),
        ("100000 100000", 1),
        ("150000 100000", 2),
        ("1000 100000", 1),
        ("9900000 100000", 8),
        ("", 8),
    ],
)
@pytest.mark.parametrize("folder", ["", "a", "a/b"])
def test_the_quota_of_a_group_or_of_one_above_it_counts(
    tmp_path: Path, folder: str, content: str, expected: int
) -> None:
    write(tmp_path / "proc/self/cgroup", "0::/a/b\n")
    write(tmp_path / "sys/fs/cgroup" / folder / "cpu.max", content)
    assert cpus.available(tmp_path) == expected


@pytest.mark.parametrize(("quota", "expected"), [("-1", 8), ("200000", 2), ("50000", 1)])
def test_the_quota_of_the_first_version_counts_in_a_container_too(
    tmp_path: Path, quota: str, expected: int
) -> None:
    write(tmp_path / "proc/self/cgroup", "5:memory:/docker/1f\n3:cpu,cpuacct:/docker/1f\n0::/\n")
    write(tmp_path / "sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota)
    write(tmp_path / "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000")
    assert cpus.available(tmp_path) == expected
