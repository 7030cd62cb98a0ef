"""One line on a terminal that tells how far a long task is; where no terminal is, nothing is written.

    with Progress("Import", total=1_000_000) as progress:
        for batch in batches:
            progress.add(len(batch))

The line: "Import  45 %  450,000 of 1,000,000  33,000/s  16 s left".
"""

import sys
import time
from types import TracebackType
from typing import Self, TextIO

ONCE_IN = 0.1
CLEARED = "\r\x1b[K"


class Progress:
    """Counts what is done of `total`, None where that is not known; `unit` is written behind the numbers."""

    def __init__(
        self, task: str, total: int | None = None, *, unit: str = "", stream: TextIO | None = None
    ) -> None:
        self.task = task
        self.total = total
        self.unit = unit
        self.stream = stream or sys.stderr
        self.shown = self.stream.isatty()
        self.done = 0
        self.started = self.written = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.shown:
            self.stream.write(CLEARED)
            self.stream.flush()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def add(self, count: int) -> None:
        self.set(self.done + count)

    def set(self, done: int) -> None:
        self.done = done
        now = time.monotonic()
        if self.shown and now - self.written >= ONCE_IN:
            self.written = now
            self.stream.write(CLEARED + self.line())
            self.stream.flush()

    def line(self) -> str:
        rate = self.done / max(self.seconds, 1e-6)
        per_second = f"{rate:,.0f}{self.unit}/s"
        if not self.total:
            return f"{self.task}  {self.done:,}{self.unit}  {per_second}"
        share = min(self.done / self.total, 1)
        left = max(self.total - self.done, 0) / max(rate, 1e-6)
        return (
            f"{self.task}  {share:.0%}  {self.done:,} of {self.total:,}{self.unit}"
            f"  {per_second}  {left:,.0f} s left"
        )
