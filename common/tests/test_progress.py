import io
from types import SimpleNamespace

import pytest

from common import progress
from common.progress import Progress


def set_clock(monkeypatch: pytest.MonkeyPatch, *timestamps: float) -> None:
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=iter(timestamps).__next__))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_it_says_how_far_the_task_is_and_clears_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "ONCE_IN", 0)
    set_clock(monkeypatch, 10.0, 12.0, 12.0)
    terminal = Terminal()
    with Progress("Export", 1000, stream=terminal) as line:
        line.add(500)
    assert terminal.getvalue() == (
        "\r\x1b[KExport  50%  500 of 1,000  250/s  2 s left" + progress.CLEARED
    )  # fmt: skip


def test_it_says_what_is_done_where_the_end_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock(monkeypatch, 0.0, 2.0, 2.0, 2.0)
    line = Progress("Import", unit=" B", stream=Terminal())
    line.add(3000)
    assert line.line() == "Import  3,000 B  1,500 B/s"


def test_it_is_silent_where_no_terminal_is() -> None:
    stream = io.StringIO()
    with Progress("Export", 10, stream=stream) as line:
        line.add(10)
    assert stream.getvalue() == ""
