"""The command line: `python -m comparison --help`."""

import argparse
import signal
import sys
from pathlib import Path
from typing import NoReturn

from comparison.alerta import Alerta
from comparison.healthchecks import Healthchecks
from comparison.install import USUAL, Home, install
from comparison.peer import Peer, running
from comparison.rows import Row, rows
from resilience.cluster import NotInstalled
from resilience.figures import machine

PEERS: dict[str, type[Peer]] = {"alerta": Alerta, "healthchecks": Healthchecks}


def main() -> int:
    signal.signal(signal.SIGTERM, interrupted)
    options = command_line().parse_args()
    home = Home(options.folder)
    if options.command == "install":
        install(home, options.python, options.healthchecks)
        return 0
    if not home.complete.exists():
        raise SystemExit(f"Nothing is installed in {home.folder}: python -m comparison install")
    known = rows(times=options.kills, seconds=options.seconds)
    chosen_rows = {name: known[name] for name in options.rows}
    peers = [options.peer] if options.peer else list(PEERS)
    print(machine(), flush=True)
    print(table(peers, chosen_rows, measured(home, peers, chosen_rows)))
    return 0


def measured(home: Home, peers: list[str], chosen_rows: dict[str, Row]) -> dict[str, list[str]]:
    """Return what each row found, peer by peer."""
    found: dict[str, list[str]] = {}
    for name, row in chosen_rows.items():
        found[name] = []
        for peer in peers:
            text = measure(home, peer, row)
            print(f"  {name:7} {peer:13} {text}", flush=True)
            found[name].append(text)
    return found


def measure(home: Home, peer: str, row: Row) -> str:
    if row.only not in {"", peer}:
        return "-"
    try:
        with running(PEERS[peer], home) as started:
            return row.find(started)
    except NotInstalled as reason:
        return f"skipped: {reason}"


def table(peers: list[str], chosen_rows: dict[str, Row], found: dict[str, list[str]]) -> str:
    lines = [["row", "what", *peers], ["---"] * (2 + len(peers))]
    lines += [[name, row.what, *found[name]] for name, row in chosen_rows.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m comparison", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    to_install = commands.add_parser("install", help="prepare both peers")
    to_install.add_argument("--into", dest="folder", type=Path, default=USUAL, help=f"default: {USUAL}")
    to_install.add_argument("--python", default=sys.executable, help="Python 3.12 or later for healthchecks")
    to_install.add_argument("--healthchecks", type=Path, help="a checkout to take instead of cloning one")
    to_measure = commands.add_parser("measure", help="measure them and print a table")
    to_measure.add_argument("--from", dest="folder", type=Path, default=USUAL, help=f"default: {USUAL}")
    to_measure.add_argument("--peer", choices=PEERS, help="default: both")
    to_measure.add_argument(
        "--rows", type=chosen, default=list(rows()), help=f"of {','.join(rows())}; default: all"
    )
    to_measure.add_argument("--kills", type=int, default=10, help="of the row F1; default: 10")
    to_measure.add_argument("--seconds", type=int, default=10, help="of load by wrk; default: 10")
    return parser


def chosen(words: str) -> list[str]:
    names = words.split(",")
    if unknown := set(names) - set(rows()):
        raise argparse.ArgumentTypeError(f"no such row: {', '.join(sorted(unknown))}")
    return names


def interrupted(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
