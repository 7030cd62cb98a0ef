"""What the service holds itself to, and whether a run has held it."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.beginnings import Beginning
from bench.rounds import Cell, Medians
from bench.servers import LIMIT, LIMIT_SAME_WORKER, OURS, REFERENCE, Kind
from bench.whole_list import Whole

MANY = 32


@dataclass(frozen=True)
class Goal:
    what: str
    found: float
    bound: float
    least: bool = False  # else the bound is the most

    @property
    def held(self) -> bool:
        return self.found >= self.bound if self.least else self.found <= self.bound

    def row(self) -> str:
        sign = "≥" if self.least else "≤"
        return (
            f"| {self.what} | {sign} {self.bound:g} | {self.found:.3g} | {'yes' if self.held else '**no**'} |"
        )


def of_load(found: Medians) -> Iterator[Goal]:
    for work, times, share, share_of_same in (
        # The limit by itself waits for the disk once for each write, the service's worker once for many.
        ("create", 4.5, 1, 0.75),
        ("update", 4.5, 1, 0.75),
        ("list", 40, 0.7, 0.7),
        ("page", 8, None, None),
    ):
        if Cell(work, MANY, OURS.name) not in found:
            continue
        yield Goal(f"{work}, times the reference", ratio(found, work, REFERENCE), times, least=True)
        if share and share_of_same:
            yield Goal(f"{work}, of the limit", ratio(found, work, LIMIT), share, least=True)
            of_same = ratio(found, work, LIMIT_SAME_WORKER)
            yield Goal(f"{work}, of the limit with the service's worker", of_same, share_of_same, least=True)
    if create := found.get(Cell("create", MANY, OURS.name)):
        yield Goal("create, p99 / p50", create.p99 / create.p50, 3)


def ratio(found: Medians, work: str, kind: Kind) -> float:
    return found[Cell(work, MANY, OURS.name)].rate / found[Cell(work, MANY, kind.name)].rate


def of_whole(whole: Whole) -> Iterator[Goal]:
    yield Goal("whole list, first byte, ms", whole.first_byte, 20)
    yield Goal("whole list, total / raw fetch and JSON", whole.total / whole.raw, 1.5)
    yield Goal("whole list, MB over idle", whole.memory, 10)


def of_depth(depth: dict[str, tuple[float, float]]) -> Iterator[Goal]:
    for name, (few, many) in depth.items():
        # A page by its number passes over all rows before it.
        bound = 3 if name == "REST page in the middle" else 1.3
        yield Goal(f"{name}, a million / a thousand", many / few, bound)


def table(goals: list[Goal]) -> str:
    return "\n".join(
        ["| goal | bound | found | held |", "|---|---|---|---|", *(goal.row() for goal in goals)]
    )


def of_beginnings(ours: Beginning, reference: Beginning) -> str:
    rows = [
        f"| {b.kind} | {b.first_start:.2f} | {b.next_start:.2f} | {b.share:.0f} | {b.own:.0f} |"
        for b in (ours, reference)
    ]
    head = "| | first start, s | next start, s | memory of a worker, MB | of it shared with none, MB |"
    return "\n".join([head, "|---|---|---|---|---|", *rows])
