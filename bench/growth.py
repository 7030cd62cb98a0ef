"""The curve of growth: `python -m bench.growth --rows 1000,10000,100000,1000000,10000000`.

Fills one database further and further; at each size a copy of it is served and measured.
"""

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.rounds import Cell, Medians, medians
from bench.servers import OURS, PORTS, PROJECT, Server, environment

STEPS = "1000,10000,100000,1000000"
CONNECTIONS = 8
HEAD = (
    "| rows | filled in, s | on disk, MB | create/s | update/s | list/s | list p50, ms | REST page/s |\n|"
    + "---|" * 8
)
YEAR = 365 * 24 * 3600


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", default=STEPS, metavar="N,N,...")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where the database is made; the system's temporary one")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Terminated"))
    print(HEAD)
    bytes_each, filled, last = 0.0, 0.0, 0
    with tempfile.TemporaryDirectory(prefix="incidents-bench-", dir=options.folder) as name:
        folder = Path(name) / "filled"
        folder.mkdir()
        for rows in map(int, options.rows.split(",")):
            began = time.perf_counter()
            token = fill(folder, last + 1, rows)
            filled += time.perf_counter() - began
            last = rows
            size = sum(file.stat().st_size for file in folder.iterdir())
            bytes_each = size / rows
            found = measure(folder, rows, token, options)
            print(row(found, rows, filled, size), flush=True)
    print("\n" + years(bytes_each))


def fill(folder: Path, first: int, last: int) -> str:
    filled = subprocess.run(
        [sys.executable, "-m", "bench.fill", str(first), str(last)],
        cwd=PROJECT,
        env=environment(folder, PORTS[0]),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return filled.stdout.strip()


def measure(folder: Path, rows: int, token: str, options: argparse.Namespace) -> Medians:
    copy = folder.with_name("measured")
    shutil.copytree(folder, copy)
    server = Server(OURS, copy, rows, token)
    try:
        server.start()
        # Reading first: what is created would be among the newest.
        works = ("list", "page", "update", "create")
        return medians([server], works, [CONNECTIONS], rounds=options.rounds, seconds=options.seconds)
    finally:
        server.stop()
        shutil.rmtree(copy)


def row(found: Medians, rows: int, filled: float, size: int) -> str:
    create, update, listed, page = (
        found[Cell(work, CONNECTIONS, OURS.name)] for work in ("create", "update", "list", "page")
    )
    return (
        f"| {rows:,} | {filled:.1f} | {size / 1e6:,.0f} | {create.rate:,.0f} | {update.rate:,.0f}"
        f" | {listed.rate:,.0f} | {listed.p50:.2f} | {page.rate:,.0f} |"
    )


def years(bytes_each: float) -> str:
    """What a year makes of the disk, by the size of the largest database measured."""
    lines = [
        f"| {rate} | {rate * YEAR / 1e6:,.1f} million | {rate * YEAR * bytes_each / 1e9:,.1f} GB |"
        for rate in (1, 10, 100)
    ]
    head = "| incidents a second | a year's incidents | on disk |\n|---|---|---|"
    return "\n".join([head, *lines])


if __name__ == "__main__":
    main()
