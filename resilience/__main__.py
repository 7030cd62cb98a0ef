"""The command line: `python -m resilience --help`."""

import argparse
import inspect
import signal
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn

from resilience import (
    clock,
    cuts,
    disk,
    flood,
    guesses,
    held,
    kills,
    memory,
    power,
    restarts,
    starts,
    stop,
    timing,
    tokens,
    writers,
)
from resilience.cluster import NotInstalled
from resilience.figures import Figure, machine

Program = Callable[..., list[Figure]]

PROGRAMS: dict[str, Program] = {
    "kills": kills.run,
    "writers": writers.run,
    "held": held.run,
    "guesses": guesses.run,
    "tokens": tokens.run,
    "timing": timing.run,
    "stop": stop.run,
    "flood": flood.run,
    "memory": memory.run,
    "disk": disk.run,
    "restarts": restarts.run,
    "starts": starts.run,
    "cuts": cuts.run,
    "clock": clock.run,
    "power": power.run,
}
ALL: list[tuple[str, dict[str, Any]]] = [
    ("kills", {}),
    ("kills", {"database": "postgres", "kills": 50}),
    ("writers", {}),
    ("writers", {"writers": 4, "seconds": 30}),
    *((name, {}) for name in PROGRAMS if name not in {"kills", "writers"}),
    ("kills", {"kind": "reference", "kills": 20}),
    ("writers", {"kind": "reference", "seconds": 20}),
    ("held", {"kind": "reference"}),
    ("stop", {"kind": "reference", "rounds": 1}),
]


def main() -> int:
    signal.signal(signal.SIGTERM, interrupted)
    options = vars(command_line().parse_args())
    name = options.pop("program")
    print(machine(), flush=True)
    work = ALL if name == "all" else [(name, options)]
    began = time.monotonic()
    missed = sum(attempt(program, given) for program, given in work)
    if name == "all":
        print(f"{missed} missed, {time.monotonic() - began:.0f} s")
    return 1 if missed else 0


def attempt(name: str, options: dict[str, Any]) -> int:
    """Run a program, print its figures and return how many missed their goal."""
    words = " ".join(f"--{key.replace('_', '-')} {value}" for key, value in options.items())
    began = time.monotonic()
    try:
        figures = PROGRAMS[name](**options)
    except NotInstalled as reason:
        print(f"skipped {name} {words}: {reason}", flush=True)
        return 0
    print(f"{name} {words} ({time.monotonic() - began:.0f} s)")
    for figure in figures:
        print(f"  {figure}", flush=True)
    return sum(not figure.is_met for figure in figures)


def command_line() -> argparse.ArgumentParser:
    """Make a command of every program, and an option of each of its arguments."""
    parser = argparse.ArgumentParser(prog="python -m resilience", description=__doc__)
    commands = parser.add_subparsers(dest="program", required=True, metavar="PROGRAM")
    commands.add_parser("all", help="every program, one after the other")
    for name, program in PROGRAMS.items():
        summary = (inspect.getdoc(program) or "").splitlines()[0]
        command = commands.add_parser(name, help=summary, description=inspect.getdoc(program))
        for argument in inspect.signature(program).parameters.values():
            command.add_argument(
                f"--{argument.name.replace('_', '-')}",
                type=type(argument.default),
                default=argument.default,
                help=f"default: {argument.default}",
            )
    return parser


def interrupted(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
