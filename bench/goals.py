"""What the service promises of its speed, and whether a run has kept it."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from bench.deliveries import DESTINATIONS, LOADED_RATE, Deliveries
from bench.rounds import Cell, Medians
from bench.servers import LIMIT, LIMIT_SAME_WORKER, OURS, REFERENCE, Kind
from bench.storm import Storm
from bench.whole_list import WholeList

CONNECTIONS = 32


@dataclass(frozen=True)
class Goal:
    name: str
    value: float
    bound: float
    is_minimum: bool = False

    @property
    def met(self) -> bool:
        return self.value >= self.bound if self.is_minimum else self.value <= self.bound

    def row(self) -> str:
        sign = "≥" if self.is_minimum else "≤"
        return (
            f"| {self.name} | {sign} {self.bound:g} | {self.value:.3g} | {'yes' if self.met else '**no**'} |"
        )


def of_load(load: Medians) -> Iterator[Goal]:
    for workload, times, share, share_of_same in (
        # The limit by itself waits for the disk once for each write, the service's worker once for many.
        ("create", 4.5, 1, 0.75),
        ("update", 4.5, 1, 0.75),
        ("list", 40, 0.7, 0.7),
        ("page", 8, None, None),
    ):
        if Cell(workload, CONNECTIONS, OURS.name) not in load:
            continue
        times_reference = ratio(load, workload, REFERENCE)
        yield Goal(f"{workload}, times the reference", times_reference, times, is_minimum=True)
        if share and share_of_same:
            yield Goal(f"{workload}, of the limit", ratio(load, workload, LIMIT), share, is_minimum=True)
            of_same = ratio(load, workload, LIMIT_SAME_WORKER)
            name = f"{workload}, of the limit with the service's worker"
            yield Goal(name, of_same, share_of_same, is_minimum=True)
    create = load.get(Cell("create", CONNECTIONS, OURS.name))
    hooks = {name: load.get(Cell(name, CONNECTIONS, OURS.name)) for name in ("hook", "hook again")}
    if create:
        yield Goal("create, p99 / p50", create.p99 / create.p50, 3)
    for name, result in hooks.items():
        if create and result:
            yield Goal(f"{name} of one alert, of create", result.rate / create.rate, 0.6, is_minimum=True)


def ratio(load: Medians, workload: str, kind: Kind) -> float:
    return (
        load[Cell(workload, CONNECTIONS, OURS.name)].rate / load[Cell(workload, CONNECTIONS, kind.name)].rate
    )


def of_storm(storm: Storm) -> Iterator[Goal]:
    yield Goal("10,000 alerts in one post, s", max(storm.firing, storm.resolved), 10)
    yield Goal("create meanwhile, p99, ms", storm.p99_meanwhile, 200)


def of_whole_list(whole: WholeList) -> Iterator[Goal]:
    yield Goal("whole list, first byte, ms", whole.first_byte, 20)
    yield Goal("whole list, total / raw fetch and JSON", whole.total / whole.raw, 1.5)
    yield Goal("whole list, MB over idle", whole.memory, 10)


def of_latency(latency: dict[str, tuple[float, float]]) -> Iterator[Goal]:
    for name, (few, many) in latency.items():
        # A page by its number passes over all rows before it.
        bound = 3 if name == "REST page in the middle" else 1.3
        yield Goal(f"{name}, a million / a thousand", many / few, bound)


def of_deliveries(found: Deliveries) -> Iterator[Goal]:
    name = f"create with {DESTINATIONS} destinations, of that without"
    yield Goal(name, found.ratio, 0.95, is_minimum=True)
    yield Goal("commit to webhook, idle, s", median(found.idle), 1)
    yield Goal(f"commit to webhook, {LOADED_RATE} creates a second, s", median(found.loaded), 2)
