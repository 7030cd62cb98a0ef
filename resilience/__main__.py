"""The command line: `python -m resilience --help`."""

import argparse
import inspect
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.processes import PROJECT, exit_with
from resilience import (
    clock_jumps,
    concurrent_writers,
    deliveries,
    dispatcher_memory,
    feed,
    first_starts,
    full_disk,
    graceful_stop,
    interrupted_migrations,
    kills,
    login_flood,
    login_timing,
    logins,
    memory,
    password_guessing,
    postgres_restarts,
    power_cuts,
    slow_clients,
    token_revocation,
)
from resilience.attacks.run import ATTACKS, attack_all
from resilience.attacks.target import Target
from resilience.figures import Figure, machine
from resilience.framing import run as framing
from resilience.service import SERVICE, Unavailable

Program = Callable[..., list[Figure]]

MODULES = (
    kills,
    deliveries,
    feed,
    power_cuts,
    full_disk,
    postgres_restarts,
    concurrent_writers,
    slow_clients,
    graceful_stop,
    first_starts,
    interrupted_migrations,
    clock_jumps,
    password_guessing,
    login_timing,
    login_flood,
    logins,
    token_revocation,
    memory,
    dispatcher_memory,
)
PROGRAMS: dict[str, Program] = {
    module.__name__.rpartition(".")[2].replace("_", "-"): module.run for module in MODULES
} | {"framing": framing.run}
ALL: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in PROGRAMS),
    ("kills", {"database": "postgres", "kills": 50}),
    ("deliveries", {"database": "postgres", "kills": 30}),
    ("feed", {"database": "postgres"}),
    ("concurrent-writers", {"writers": 4, "seconds": 30}),
    ("kills", {"kind": "reference", "kills": 20}),
    ("concurrent-writers", {"kind": "reference", "seconds": 20}),
    ("slow-clients", {"kind": "reference"}),
    ("graceful-stop", {"kind": "reference", "rounds": 1}),
]


def main() -> int:
    options = vars(command_line().parse_args())
    name = options.pop("program")
    print(machine(), flush=True)
    if name == "attacks":
        kind = replace(SERVICE, project=options["service"].resolve())
        return 1 if attack_all(options["names"], Target(kind, options["database"], options["quick"])) else 0
    programs = ALL if name == "all" else [(name, options)]
    began = time.monotonic()
    missed = sum(run(program, given) for program, given in programs)
    if name == "all":
        print(f"{missed} missed, {time.monotonic() - began:.0f} s")
    return 1 if missed else 0


def run(name: str, options: dict[str, Any]) -> int:
    """Run a program, print its figures and return how many missed their goal."""
    arguments = " ".join(f"--{key.replace('_', '-')} {value}" for key, value in options.items())
    began = time.monotonic()
    try:
        figures = PROGRAMS[name](**options)
    except Unavailable as reason:
        print(f"skipped {name} {arguments}: {reason}", flush=True)
        return 0
    print(f"{name} {arguments} ({time.monotonic() - began:.0f} s)")
    for figure in figures:
        print(f"  {figure}", flush=True)
    return sum(not figure.is_met for figure in figures)


def command_line() -> argparse.ArgumentParser:
    """Return a parser with a command for every program and an option for each of its arguments."""
    parser = argparse.ArgumentParser(prog="python -m resilience", description=__doc__)
    commands = parser.add_subparsers(dest="program", required=True, metavar="PROGRAM")
    commands.add_parser("all", help="every program, one after the other")
    attacks = commands.add_parser("attacks", help="what strangers and users can do to all others")
    attacks.add_argument("names", nargs="*", metavar="NAME", choices=[[], *ATTACKS], help=", ".join(ATTACKS))
    attacks.add_argument("--service", type=Path, default=PROJECT, help="another checkout (default: this one)")
    attacks.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    attacks.add_argument("--quick", action="store_true", help="all of them in 5 minutes")
    for name, program in PROGRAMS.items():
        summary = (inspect.getdoc(program) or "").splitlines()[0]
        command = commands.add_parser(name, help=summary, description=inspect.getdoc(program))
        for argument in inspect.signature(program).parameters.values():
            option = f"--{argument.name.replace('_', '-')}"
            if argument.default is False:
                command.add_argument(option, action="store_true")
                continue
            command.add_argument(
                option,
                type=type(argument.default),
                default=argument.default,
                help=f"default: {argument.default}",
            )
    return parser


if __name__ == "__main__":
    exit_with(main)
