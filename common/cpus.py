"""How many processors this process may use."""

import contextlib
import math
import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/")


def available(root: Path = ROOT) -> int:
    """Count the processors that affinity and the control groups' CPU quota leave to this process, at least 1.

    `root` is the folder in which /proc and /sys are looked for.
    """
    affinity = getattr(os, "sched_getaffinity", None)  # macOS has none.
    processors = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, math.ceil(min([processors, *quotas(root)])))


def quotas(root: Path) -> Iterator[float]:
    """Yield the quota, in processors, of each control group above this process, of both versions.

    In a container the groups' paths are often the host's, while its own group stands at the root.
    """
    with contextlib.suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and "cpu" not in controllers.split(","):
                continue
            top = root / "sys/fs/cgroup" / ("cpu" if controllers else "")
            group = Path(path.strip("/"))
            for folder in (group, *group.parents):
                with contextlib.suppress(OSError, ValueError):
                    yield quota(top / folder, version=1 if controllers else 2)


def quota(folder: Path, *, version: int) -> float:
    """Read the quota of one group in processors, infinite where there is none."""
    if version == 1:
        limit = (folder / "cpu.cfs_quota_us").read_text()
        period = (folder / "cpu.cfs_period_us").read_text()
    else:
        limit, period = (folder / "cpu.max").read_text().split()
    return int(limit) / int(period) if limit.strip() not in {"max", "-1"} else math.inf
