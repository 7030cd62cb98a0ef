"""Measure the service beside the reference and the limit.

python -m bench.run --quick              three minutes, shown on the terminal
python -m bench.run                      everything, written into docs/performance.md
python -m bench.run --quick --beside ../other-checkout
python -m bench.run --only load --works create,list --connections 32 --rounds 9
"""

import argparse
import os
import signal
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench import beginnings, depth, goals, machine, picture, report, whole_list
from bench.rounds import WORKS, Medians, medians
from bench.servers import LIMIT, LIMIT_SAME_WORKER, OURS, OURS_SYNC, REFERENCE, Scratch, beside, started

FEW, USUAL, MANY = 1_000, 100_000, 1_000_000
PARTS = ("load", "load-million", "whole", "depth", "beginnings")
QUICK_WORKS = ("create", "update", "list", "page")


@dataclass
class Findings:
    sections: dict[str, str] = field(default_factory=dict)
    held: list[goals.Goal] = field(default_factory=list)
    load: Medians = field(default_factory=dict)


def main() -> int:
    options = read_options()
    # Whoever is told to end ends the servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Terminated"))
    findings = Findings()
    with tempfile.TemporaryDirectory(prefix="incidents-bench-", dir=options.folder) as folder:
        scratch = Scratch(Path(folder))
        for part in options.only:
            measure(part, scratch, options, findings)
        findings.sections["machine"] = (
            f"{datetime.now(UTC):%Y-%m-%d}: {machine.described(scratch.folder)}."
            f" Load average of the machine at the end: {os.getloadavg()[1]:.1f}."
        )
    findings.sections["goals"] = goals.table(findings.held)
    for name, section in findings.sections.items():
        print(f"\n{name}\n\n{section}")
    if not options.quick and set(options.only) == set(PARTS):
        report.write(findings.sections)
        picture.write(findings.load, goals.MANY)
        print(f"\nWritten into {report.NOTE}")
    return 0


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a short look at the load alone")
    parser.add_argument("--beside", type=Path, action="append", default=[], metavar="CHECKOUT")
    parser.add_argument("--sync", action="store_true", help="also the service under gunicorn's sync workers")
    parser.add_argument("--only", type=words, default=PARTS, metavar=",".join(PARTS))
    parser.add_argument("--works", type=words, metavar=",".join(WORKS))
    parser.add_argument("--connections", type=lambda text: tuple(map(int, text.split(","))), metavar="N,...")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=int)
    parser.add_argument(
        "--folder", type=Path, help="where the databases are made; the system's temporary one"
    )
    options = parser.parse_args()
    if options.quick:
        options.only = ("load",)
    options.works = options.works or (QUICK_WORKS if options.quick else WORKS)
    options.connections = options.connections or ((32,) if options.quick else (8, 32))
    options.rounds = options.rounds or (5 if options.quick else 7)
    options.seconds = options.seconds or (1 if options.quick else 2)
    return options


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def measure(part: str, scratch: Scratch, options: argparse.Namespace, findings: Findings) -> None:
    print(f"{part} ...", file=sys.stderr)
    match part:
        case "load" | "load-million":
            found = load(scratch, USUAL if part == "load" else MANY, options)
            findings.sections[part] = report.load(found)
            if part == "load":
                findings.load = found
                findings.held += goals.of_load(found)
        case "whole":
            whole = whole_list.measure(scratch, MANY)
            findings.sections[part] = report.whole(whole)
            findings.held += goals.of_whole(whole)
        case "depth":
            pages = depth.measure(scratch, FEW, MANY)
            findings.sections[part] = report.depth(pages, FEW, MANY)
            findings.held += goals.of_depth(pages)
        case "beginnings":
            findings.sections[part] = goals.of_beginnings(*beginnings.measure(scratch))


def load(scratch: Scratch, rows: int, options: argparse.Namespace) -> Medians:
    kinds = [OURS, REFERENCE, LIMIT, LIMIT_SAME_WORKER, *map(beside, options.beside)]
    if options.sync:
        kinds.append(OURS_SYNC)
    with started(scratch, kinds, rows) as servers:
        return medians(
            servers, options.works, options.connections, rounds=options.rounds, seconds=options.seconds
        )


if __name__ == "__main__":
    sys.exit(main())
