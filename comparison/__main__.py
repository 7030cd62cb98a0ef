"""The command line: `python -m comparison --help`."""

import argparse
import sys
from pathlib import Path

from bench.processes import exit_with
from bench.report import table
from comparison.alerta import Alerta
from comparison.healthchecks import Healthchecks
from comparison.install import DEFAULT_FOLDER, Installation, install
from comparison.measurements import Row, rows
from comparison.product import Product, running
from resilience.figures import machine
from resilience.service import Unavailable

PRODUCTS: dict[str, type[Product]] = {"alerta": Alerta, "healthchecks": Healthchecks}


def main() -> int:
    options = command_line().parse_args()
    installation = Installation(options.folder)
    if options.command == "install":
        install(installation, options.python, options.healthchecks)
        return 0
    if not installation.complete.exists():
        raise SystemExit(f"Nothing is installed in {installation.folder}: python -m comparison install")
    known = rows(times=options.kills, seconds=options.seconds)
    chosen_rows = {name: known[name] for name in options.rows}
    products = [options.product] if options.product else list(PRODUCTS)
    print(machine(), flush=True)
    found = measured(installation, products, chosen_rows)
    lines = [(name, row.what, *found[name]) for name, row in chosen_rows.items()]
    print(table(("row", "what", *products), lines))
    return 0


def measured(
    installation: Installation, products: list[str], chosen_rows: dict[str, Row]
) -> dict[str, list[str]]:
    """Return what each row found, product by product."""
    found: dict[str, list[str]] = {}
    for name, row in chosen_rows.items():
        found[name] = []
        for product in products:
            text = measure(installation, product, row)
            print(f"  {name:7} {product:13} {text}", flush=True)
            found[name].append(text)
    return found


def measure(installation: Installation, product: str, row: Row) -> str:
    if row.only not in {"", product}:
        return "-"
    try:
        with running(PRODUCTS[product], installation) as started:
            return row.find(started)
    except Unavailable as reason:
        return f"skipped: {reason}"


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m comparison", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    to_install = commands.add_parser("install", help="prepare both products")
    to_install.add_argument(
        "--into", dest="folder", type=Path, default=DEFAULT_FOLDER, help=f"default: {DEFAULT_FOLDER}"
    )
    to_install.add_argument("--python", default=sys.executable, help="Python 3.12 or later for healthchecks")
    to_install.add_argument("--healthchecks", type=Path, help="a checkout to take instead of cloning one")
    to_measure = commands.add_parser("measure", help="measure them and print a table")
    to_measure.add_argument(
        "--from", dest="folder", type=Path, default=DEFAULT_FOLDER, help=f"default: {DEFAULT_FOLDER}"
    )
    to_measure.add_argument("--product", choices=PRODUCTS, help="default: both")
    to_measure.add_argument(
        "--rows", type=chosen, default=list(rows()), help=f"of {','.join(rows())}; default: all"
    )
    to_measure.add_argument("--kills", type=int, default=10, help="of the row F1; default: 10")
    to_measure.add_argument("--seconds", type=int, default=10, help="of load by wrk; default: 10")
    return parser


def chosen(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - set(rows()):
        raise argparse.ArgumentTypeError(f"no such row: {', '.join(sorted(unknown))}")
    return names


if __name__ == "__main__":
    exit_with(main)
