"""The figures as Markdown, and their places in docs/performance.md."""

import re
from pathlib import Path

from bench.rounds import Cell, Medians
from bench.servers import LIMIT, LIMIT_SAME_WORKER, OURS, PROJECT, REFERENCE
from bench.whole_list import Whole

NOTE = PROJECT / "docs" / "performance.md"
COLUMNS = (
    "work",
    "connections",
    "reference/s",
    "service/s",
    "× reference",
    "limit/s",
    "of limit",
    "limit, same worker/s",
    "of that",
    "p50, ms",
    "p99, ms",
    "CPU, µs",
)
HEAD = f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}"


def load(found: Medians) -> str:
    cells = dict.fromkeys((cell.work, cell.connections) for cell in found)
    return "\n".join([HEAD, *(load_row(found, *cell) for cell in cells), *besides(found)])


def load_row(found: Medians, work: str, connections: int) -> str:
    def rate(kind: str) -> float:
        cell = found.get(Cell(work, connections, kind))
        return cell.rate if cell else 0

    ours = found[Cell(work, connections, OURS.name)]
    words = [
        work,
        str(connections),
        number(rate(REFERENCE.name)),
        number(ours.rate),
        times(ours.rate, rate(REFERENCE.name)),
    ]
    for kind in (LIMIT, LIMIT_SAME_WORKER):
        words += [number(rate(kind.name)), times(ours.rate, rate(kind.name))]
    words += [f"{ours.p50:.1f}", f"{ours.p99:.1f}", f"{ours.cpu * 1000:.0f}"]
    return f"| {' | '.join(words)} |"


def besides(found: Medians) -> list[str]:
    """Lines for the servers that have no column of their own."""
    named = {kind.name for kind in (OURS, REFERENCE, LIMIT, LIMIT_SAME_WORKER)}
    return [
        f"| {cell.work} | {cell.connections} | {cell.kind} | {number(runs.rate)} | | | | | |"
        f" {runs.p50:.1f} | {runs.p99:.1f} | {runs.cpu * 1000:.0f} |"
        for cell, runs in found.items()
        if cell.kind not in named
    ]


def number(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 20 else f"{rate:.1f}" if rate else "-"


def times(ours: float, theirs: float) -> str:
    return f"{ours / theirs:.3g}" if theirs else "-"


def whole(found: Whole) -> str:
    figures = (
        f"{found.rows:,}",
        f"{found.megabytes:.0f}",
        f"{found.first_byte:.1f}",
        f"{found.total:.2f}",
        f"{found.raw:.2f}",
        f"{found.memory:.1f}",
    )
    head = "| rows | MB | first byte, ms | total, s | raw fetch and JSON, s | memory over idle, MB |"
    return f"{head}\n|{'---|' * len(figures)}\n| {' | '.join(figures)} |"


def depth(found: dict[str, tuple[float, float]], few: int, many: int) -> str:
    return "\n".join(
        [
            f"| page | p50 at {few:,}, ms | p50 at {many:,}, ms | ratio |",
            "|---|---|---|---|",
            *(f"| {name} | {a:.2f} | {b:.2f} | {b / a:.2f} |" for name, (a, b) in found.items()),
        ]
    )


def write(sections: dict[str, str], note: Path = NOTE) -> None:
    """Put each section between its markers, `<!-- bench: name -->` and `<!-- /bench -->`."""
    text = note.read_text(encoding="utf-8")
    for name, section in sections.items():
        place = re.compile(rf"(<!-- bench: {re.escape(name)} -->\n).*?(<!-- /bench -->)", re.DOTALL)
        assert place.search(text), f"{note} has no place for {name}"
        text = place.sub(lambda found, section=section: f"{found[1]}{section}\n{found[2]}", text)  # type: ignore[misc]
    note.write_text(text, encoding="utf-8")
