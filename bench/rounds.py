"""Rounds: every server in turn, over and over, so that what else the machine does meets them all alike."""

import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import astuple
from statistics import median
from typing import NamedTuple

from bench.checks import check
from bench.load import Found, run
from bench.servers import Kind, Server

WORKS = ("create", "update", "list", "page", "page by status", "token")
# A password's hash takes a third of a second, and the service lets few be made at once.
TOKEN_CONNECTIONS = 2
TOKEN_SLOWER = 3


class Cell(NamedTuple):
    work: str
    connections: int
    kind: str


Medians = dict[Cell, Found]


class Progress:
    """A line on the terminal: how far it is, how long it will be, what is under way."""

    def __init__(self, steps: int) -> None:
        self.steps, self.done = steps, 0
        self.began = time.monotonic()

    def step(self, text: str) -> None:
        passed = time.monotonic() - self.began
        left = f"{passed / self.done * (self.steps - self.done):4.0f} s left" if self.done else ""
        line = f"{self.done * 100 // self.steps:3} % {left:>11}  {text}"
        if sys.stderr.isatty():
            print(f"\r{line:<100.100}", end="", file=sys.stderr, flush=True)
        elif self.done % 20 == 0:
            print(line, file=sys.stderr, flush=True)
        self.done += 1

    def end(self) -> None:
        if sys.stderr.isatty():
            print(f"\r{'':<100}\r", end="", file=sys.stderr, flush=True)


def does(kind: Kind, work: str) -> bool:
    """Tell whether servers of the kind know such work."""
    return not (kind.rest_only and work == "token") and (kind.has_rest or "page" not in work)


def medians(
    servers: list[Server], works: Iterable[str], connections: Iterable[int], *, rounds: int, seconds: int
) -> Medians:
    """Measure every server by every work, and take the median of the rounds for each."""
    plan = [
        (work, number, server)
        for work in works
        for number in ([TOKEN_CONNECTIONS] if work == "token" else connections)
        for server in servers
        if does(server.kind, work)
    ]
    for work, server in dict.fromkeys((work, server) for work, _number, server in plan):
        check(server, work)
    found: dict[Cell, list[Found]] = defaultdict(list)
    progress = Progress(rounds * len(plan))
    for number in range(1, rounds + 1):
        for work, at_once, server in plan:
            progress.step(f"round {number} of {rounds}: {work}, {at_once} connections, {server.kind.name}")
            os.sync()  # What the server before has written must not keep this one's disk busy.
            long = seconds * (TOKEN_SLOWER if work == "token" else 1)
            found[Cell(work, at_once, server.kind.name)].append(
                run(server, work, connections=at_once, seconds=long)
            )
    progress.end()
    return {cell: middle(runs) for cell, runs in found.items()}


def middle(runs: list[Found]) -> Found:
    return Found(*(median(column) for column in zip(*map(astuple, runs), strict=True)))
