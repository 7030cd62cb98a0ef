"""What a program found, beside what was promised."""

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from common.db.sqlite.library import sqlite3


@dataclass(frozen=True)
class Figure:
    """One figure; `number` is its row in docs/reliability.md, empty for what stands in none."""

    number: str
    promise: str
    goal: str
    found: str
    is_met: bool

    def __str__(self) -> str:
        verdict = "met" if self.is_met else "MISSED"
        return f"{self.number:5}{verdict:8}{self.promise}: {self.found}  (goal: {self.goal})"


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.1f} ms"


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def spread(seconds: Sequence[float]) -> str:
    return (
        f"p50 {milliseconds(statistics.median(seconds))}, p99 {milliseconds(percentile(seconds, 0.99))}, "
        f"slowest {milliseconds(max(seconds))}"
    )


def machine() -> str:
    """Name what the figures were found on."""
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )
