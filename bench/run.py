"""Measure the service beside the reference, the limit and other checkouts.

python -m bench.run --quick                           three minutes, shown on the terminal
python -m bench.run                                   everything, written into docs/performance.md
python -m bench.run --quick --beside ../other-checkout
python -m bench.run --only load --workloads create,list --connections 32 --rounds 9

With --beside, the service is measured beside those checkouts alone.
"""

import argparse
import os
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench import chart, deliveries, goals, latency, machine, report, startup, storm, whole_list
from bench.goals import Goal
from bench.processes import exit_with
from bench.rounds import Medians, Runs, medians
from bench.rounds import measure as measure_load
from bench.servers import (
    LIMIT,
    LIMIT_SAME_WORKER,
    OURS,
    OURS_SYNC,
    REFERENCE,
    Scratch,
    other_checkout,
    started,
)
from bench.workloads import WORKLOADS

FEW, USUAL, MANY = 1_000, 100_000, 1_000_000
PARTS = ("load", "load-million", "whole-list", "latency", "storm", "deliveries", "startup")
QUICK_WORKLOADS = ("create", "update", "list", "page")


@dataclass
class Findings:
    sections: dict[str, str] = field(default_factory=dict)
    goals: list[Goal] = field(default_factory=list)
    load: Medians = field(default_factory=dict)


def main() -> int:
    options = read_options()
    findings = Findings()
    with tempfile.TemporaryDirectory(prefix="incidents-bench-", dir=options.folder) as folder:
        scratch = Scratch(Path(folder))
        for part in options.only:
            print(f"{part} ...", file=sys.stderr)
            measure(part, scratch, options, findings)
        findings.sections["machine"] = (
            f"{datetime.now(UTC):%Y-%m-%d}: {machine.describe(scratch.folder)}."
            f" Load average of the machine at the end: {os.getloadavg()[1]:.1f}."
        )
    if findings.goals:
        findings.sections["goals"] = report.goals(findings.goals)
    for name, section in findings.sections.items():
        print(f"\n{name}\n\n{section}")
    if set(options.only) == set(PARTS) and not options.beside:
        report.write(findings.sections)
        chart.write(findings.load, goals.CONNECTIONS)
        print(f"\nWritten into {report.NOTE}")
    return 0


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a short run of the load alone")
    parser.add_argument(
        "--beside", type=Path, action="append", default=[], metavar="CHECKOUT", help="may be repeated"
    )
    parser.add_argument("--sync", action="store_true", help="also the service under gunicorn's sync workers")
    parser.add_argument("--only", type=names, default=PARTS, metavar=",".join(PARTS))
    parser.add_argument("--workloads", type=names, metavar=",".join(WORKLOADS))
    parser.add_argument("--connections", type=lambda text: tuple(map(int, text.split(","))), metavar="N,...")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=int, help="of each run")
    parser.add_argument("--folder", type=Path, help="where the databases are made; default: the system's own")
    options = parser.parse_args()
    if options.quick or options.beside:
        parts = ("load",) if options.quick else ("load", "load-million")
        options.only = tuple(part for part in options.only if part in parts)
    options.workloads = options.workloads or (QUICK_WORKLOADS if options.quick else WORKLOADS)
    options.connections = options.connections or ((32,) if options.quick else (8, 32))
    options.rounds = options.rounds or (5 if options.quick else 7)
    options.seconds = options.seconds or (1 if options.quick else 2)
    return options


def names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def measure(part: str, scratch: Scratch, options: argparse.Namespace, findings: Findings) -> None:
    match part:
        case "load" | "load-million":
            runs = load(scratch, USUAL if part == "load" else MANY, options)
            if options.beside:
                others = [other_checkout(path).name for path in options.beside]
                findings.sections[part] = report.comparison(runs, others)
                return
            found = medians(runs)
            findings.sections[part] = report.load(found)
            if part == "load":
                findings.load = found
                findings.goals += goals.of_load(found)
        case "whole-list":
            whole = whole_list.measure(scratch, MANY)
            findings.sections[part] = report.whole_list(whole)
            findings.goals += goals.of_whole_list(whole)
        case "latency":
            pages = latency.measure(scratch, FEW, MANY)
            findings.sections[part] = report.latency(pages, FEW, MANY)
            findings.goals += goals.of_latency(pages)
        case "storm":
            alerts = storm.measure(scratch, USUAL)
            findings.sections[part] = report.storm(alerts)
            findings.goals += goals.of_storm(alerts)
        case "deliveries":
            delivered = deliveries.measure(scratch)
            findings.sections[part] = report.deliveries(delivered)
            findings.goals += goals.of_deliveries(delivered)
        case "startup":
            findings.sections[part] = report.startup(startup.measure(scratch))


def load(scratch: Scratch, rows: int, options: argparse.Namespace) -> Runs:
    if options.beside:
        kinds = [OURS, *map(other_checkout, options.beside)]
    else:
        kinds = [OURS, REFERENCE, LIMIT, LIMIT_SAME_WORKER]
    if options.sync:
        kinds.append(OURS_SYNC)
    with started(scratch, kinds, rows) as servers:
        return measure_load(
            servers, options.workloads, options.connections, rounds=options.rounds, seconds=options.seconds
        )


if __name__ == "__main__":
    exit_with(main)
