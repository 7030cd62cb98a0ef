"""Throughput by the size of the database.

python -m bench.scaling --rows 1000,10000,100000,1000000,10000000

Fills one database further and further; at each size a copy of it is served and measured.
"""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from bench.processes import exit_with
from bench.report import table
from bench.rounds import Cell, Medians, medians
from bench.rounds import measure as measure_load
from bench.servers import OURS, Server, run_python

ROWS = "1000,10000,100000,1000000"
CONNECTIONS = 8
COLUMNS = (
    "rows",
    "filled in, s",
    "on disk, MB",
    "create/s",
    "update/s",
    "list/s",
    "list p50, ms",
    "REST page/s",
)
SECONDS_OF_A_YEAR = 365 * 24 * 3600


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", default=ROWS, metavar="N,N,...")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where the database is made; the system's temporary one")
    options = parser.parse_args()
    rows_of_table = []
    bytes_each, fill_seconds, last = 0.0, 0.0, 0
    with tempfile.TemporaryDirectory(prefix="incidents-bench-", dir=options.folder) as name:
        folder = Path(name) / "filled"
        folder.mkdir()
        for rows in map(int, options.rows.split(",")):
            began = time.perf_counter()
            token = run_python(folder, "-m", "bench.fill", str(last + 1), str(rows))
            fill_seconds += time.perf_counter() - began
            last = rows
            size = sum(file.stat().st_size for file in folder.iterdir())
            bytes_each = size / rows
            found = measure(folder, rows, token, options)
            rows_of_table.append(row(found, rows, fill_seconds, size))
            print(*rows_of_table[-1], file=sys.stderr, flush=True)
    print(table(COLUMNS, rows_of_table))
    print("\n" + disk_of_a_year(bytes_each))
    return 0


def measure(folder: Path, rows: int, token: str, options: argparse.Namespace) -> Medians:
    copy = folder.with_name("measured")
    shutil.copytree(folder, copy)
    server = Server(OURS, copy, rows, token)
    try:
        server.start()
        # Reading first: what is created would be among the newest.
        workloads = ("list", "page", "update", "create")
        runs = measure_load(
            [server], workloads, [CONNECTIONS], rounds=options.rounds, seconds=options.seconds
        )
        return medians(runs)
    finally:
        server.stop()
        shutil.rmtree(copy)


def row(found: Medians, rows: int, fill_seconds: float, size: int) -> list[str]:
    create, update, listed, page = (
        found[Cell(workload, CONNECTIONS, OURS.name)] for workload in ("create", "update", "list", "page")
    )
    return [
        f"{rows:,}",
        f"{fill_seconds:.1f}",
        f"{size / 1e6:,.0f}",
        *(f"{result.rate:,.0f}" for result in (create, update, listed)),
        f"{listed.p50:.2f}",
        f"{page.rate:,.0f}",
    ]


def disk_of_a_year(bytes_each: float) -> str:
    """Extrapolate a year's incidents from the size of the largest database measured."""
    rows = [
        (
            str(rate),
            f"{rate * SECONDS_OF_A_YEAR / 1e6:,.1f} million",
            f"{rate * SECONDS_OF_A_YEAR * bytes_each / 1e9:,.1f} GB",
        )
        for rate in (1, 10, 100)
    ]
    return table(("incidents a second", "a year's incidents", "on disk"), rows)


if __name__ == "__main__":
    exit_with(main)
