"""The attacks by name, and their table."""

import time
from collections.abc import Callable, Sequence

from resilience.attacks import (
    alert_storms,
    chunk_sizes,
    combining_marks,
    csv_cells,
    downloads,
    files,
    forwarded,
    long_history,
    places,
    schema,
    script_name,
    search,
    slow_readers,
    stuck_lock,
    unfinished,
    unread_log,
    wal,
    wire_cases,
)
from resilience.attacks.target import Target
from resilience.figures import Figure
from resilience.service import Unavailable

# In the order of their findings in the audit of 1.0.0.
MODULES = (
    chunk_sizes,
    downloads,
    search,
    combining_marks,
    slow_readers,
    script_name,
    stuck_lock,
    long_history,
    places,
    csv_cells,
    files,
    forwarded,
    schema,
    unfinished,
    wire_cases,
    wal,
    unread_log,
    alert_storms,
)
ATTACKS: dict[str, Callable[[Target], list[Figure]]] = {
    module.__name__.rpartition(".")[2].replace("_", "-"): module.run for module in MODULES
}


def attack_all(names: Sequence[str], target: Target) -> int:
    """Run the attacks, print their table and return how many figures missed their goal."""
    print("| # | attack | found | goal | |\n|---|---|---|---|---|", flush=True)
    missed = 0
    began = time.monotonic()
    for name in names or ATTACKS:
        started = time.monotonic()
        try:
            figures = ATTACKS[name](target)
        except Unavailable as reason:
            print(f"skipped {name}: {reason}", flush=True)
            continue
        for figure in figures:
            verdict = "met" if figure.is_met else "MISSED"
            cells = (figure.number, figure.promise, figure.found, figure.goal, verdict)
            print("|", " | ".join(cell.replace("|", "\\|") for cell in cells), "|", flush=True)
        missed += sum(not figure.is_met for figure in figures)
        print(f"<!-- {name}: {time.monotonic() - started:.0f} s -->", flush=True)
    print(f"\n{missed} missed, {time.monotonic() - began:.0f} s")
    return missed
