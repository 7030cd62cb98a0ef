"""The figures as Markdown tables, and their places in docs/performance.md."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median

from bench.deliveries import DESTINATIONS, Deliveries
from bench.goals import Goal
from bench.processes import PROJECT
from bench.rounds import Cell, Medians, Runs
from bench.servers import LIMIT, LIMIT_SAME_WORKER, OURS, REFERENCE
from bench.startup import Startup
from bench.storm import Storm
from bench.whole_list import WholeList

NOTE = PROJECT / "docs" / "performance.md"
LOAD_COLUMNS = (
    "workload",
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


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def load(medians: Medians) -> str:
    """Show the service beside the reference and the limit; other servers have rows of their own."""
    cells = dict.fromkeys((cell.workload, cell.connections) for cell in medians)
    named = {kind.name for kind in (OURS, REFERENCE, LIMIT, LIMIT_SAME_WORKER)}
    others = [
        [
            *(cell.workload, str(cell.connections), cell.kind, number(result.rate)),
            *[""] * 5,
            *(f"{result.p50:.1f}", f"{result.p99:.1f}", f"{result.cpu * 1000:.0f}"),
        ]
        for cell, result in medians.items()
        if cell.kind not in named
    ]
    return table(LOAD_COLUMNS, [*(load_row(medians, *cell) for cell in cells), *others])


def load_row(medians: Medians, workload: str, connections: int) -> list[str]:
    def rate(kind: str) -> float:
        result = medians.get(Cell(workload, connections, kind))
        return result.rate if result else 0

    ours = medians[Cell(workload, connections, OURS.name)]
    columns = [
        workload,
        str(connections),
        number(rate(REFERENCE.name)),
        number(ours.rate),
        quotient(ours.rate, rate(REFERENCE.name)),
    ]
    for kind in (LIMIT, LIMIT_SAME_WORKER):
        columns += [number(rate(kind.name)), quotient(ours.rate, rate(kind.name))]
    return [*columns, f"{ours.p50:.1f}", f"{ours.p99:.1f}", f"{ours.cpu * 1000:.0f}"]


def comparison(runs: Runs, kinds: Iterable[str]) -> str:
    """Show the service beside each of the other `kinds`.

    "times" is the median of the rounds' own ratios, beside the lowest and the highest of them.
    """
    columns = (
        "beside",
        "workload",
        "connections",
        "ours/s",
        "other/s",
        "times",
        "from",
        "to",
        "ours p99, ms",
        "other p99, ms",
        "ours CPU, µs",
        "other CPU, µs",
    )
    rows = []
    for kind in kinds:
        for cell, theirs in runs.items():
            if cell.kind != kind:
                continue
            ours = runs[cell._replace(kind=OURS.name)]
            ratios = [our.rate / their.rate for our, their in zip(ours, theirs, strict=True)]
            rows.append(
                [
                    kind,
                    cell.workload,
                    str(cell.connections),
                    *(number(median(result.rate for result in results)) for results in (ours, theirs)),
                    *(f"{value:.2f}" for value in (median(ratios), min(ratios), max(ratios))),
                    *(f"{median(result.p99 for result in results):.1f}" for results in (ours, theirs)),
                    *(f"{median(result.cpu for result in results) * 1000:.0f}" for results in (ours, theirs)),
                ]
            )
    return table(columns, rows)


def number(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 20 else f"{rate:.1f}" if rate else "-"


def quotient(ours: float, theirs: float) -> str:
    return f"{ours / theirs:.3g}" if theirs else "-"


def whole_list(found: WholeList) -> str:
    columns = (
        "rows",
        "MB",
        "first byte, ms",
        "total, s",
        "raw fetch and JSON, s",
        "memory over idle, MB",
    )
    figures = (
        f"{found.rows:,}",
        f"{found.megabytes:.0f}",
        f"{found.first_byte:.1f}",
        f"{found.total:.2f}",
        f"{found.raw:.2f}",
        f"{found.memory:.1f}",
    )
    return table(columns, [figures])


def latency(found: dict[str, tuple[float, float]], few: int, many: int) -> str:
    columns = ("page", f"p50 at {few:,}, ms", f"p50 at {many:,}, ms", "ratio")
    rows = [(name, f"{a:.2f}", f"{b:.2f}", f"{b / a:.2f}") for name, (a, b) in found.items()]
    return table(columns, rows)


def storm(found: Storm) -> str:
    columns = (
        "posts at once",
        "MB each",
        "all firing, s",
        "all resolved, s",
        "create p99 before, ms",
        "create p99 meanwhile, ms",
        "memory of a worker, MB",
        "before, MB",
    )
    figures = (
        str(found.posts),
        f"{found.megabytes:.1f}",
        f"{found.firing:.2f}",
        f"{found.resolved:.2f}",
        f"{found.p99_before:.0f}",
        f"{found.p99_meanwhile:.0f}",
        f"{found.memory:.0f}",
        f"{found.memory_before:.0f}",
    )
    return table(columns, [figures])


def deliveries(found: Deliveries) -> str:
    columns = (
        "creates/s without destinations",
        f"with {DESTINATIONS}",
        "ratio",
        "commit to webhook, idle: p50, slowest, s",
        "creates/s",
        "commit to webhook then: p50, slowest, s",
    )
    figures = (
        *(number(median(column)) for column in zip(*found.rates, strict=True)),
        f"{found.ratio:.2f}",
        f"{median(found.idle):.2f}, {max(found.idle):.2f}",
        number(found.loaded_rate),
        f"{median(found.loaded):.2f}, {max(found.loaded):.2f}",
    )
    return table(columns, [figures])


def startup(found: Iterable[Startup]) -> str:
    columns = ("", "first start, s", "next start, s", "memory of a worker, MB", "of it private, MB")
    rows = [
        (
            each.kind,
            f"{each.first_start:.2f}",
            f"{each.next_start:.2f}",
            f"{each.proportional:.0f}",
            f"{each.private:.0f}",
        )
        for each in found
    ]
    return table(columns, rows)


def goals(found: Iterable[Goal]) -> str:
    lines = ["| goal | bound | value | met |", "|---|---|---|---|", *(goal.row() for goal in found)]
    return "\n".join(lines)


def write(sections: dict[str, str], note: Path = NOTE) -> None:
    """Put each section between its markers, `<!-- bench: name -->` and `<!-- /bench -->`."""
    text = note.read_text(encoding="utf-8")
    for name, section in sections.items():
        place = re.compile(rf"(<!-- bench: {re.escape(name)} -->\n).*?(<!-- /bench -->)", re.DOTALL)
        assert place.search(text), f"{note} has no place for {name}"
        text = place.sub(lambda found, section=section: f"{found[1]}{section}\n{found[2]}", text)  # type: ignore[misc]
    note.write_text(text, encoding="utf-8")
