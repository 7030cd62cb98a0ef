"""Interleaved rounds: every server in turn, so that other work of the machine affects all of them alike."""

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import astuple
from statistics import median
from typing import NamedTuple

from bench.checks import check
from bench.load import Result, run
from bench.servers import Server
from common.progress import Progress

# A password's hash takes a third of a second, and the service bounds how many are computed at once.
TOKEN_CONNECTIONS = 2
TOKEN_SECONDS_FACTOR = 3


class Cell(NamedTuple):
    workload: str
    connections: int
    kind: str


Runs = dict[Cell, list[Result]]
Medians = dict[Cell, Result]


def measure(
    servers: list[Server], workloads: Iterable[str], connections: Iterable[int], *, rounds: int, seconds: int
) -> Runs:
    """Measure every server under every workload, once in each round."""
    plan = [
        (workload, number, server)
        for workload in workloads
        for number in ([TOKEN_CONNECTIONS] if workload == "token" else connections)
        for server in servers
        if server.kind.has(workload)
    ]
    for workload, server in dict.fromkeys((workload, server) for workload, _number, server in plan):
        check(server, workload)
    runs: Runs = defaultdict(list)
    with Progress("Runs", rounds * len(plan)) as progress:
        for _ in range(rounds):
            for workload, number, server in plan:
                os.sync()  # What the server before has written must not keep this one's disk busy.
                factor = TOKEN_SECONDS_FACTOR if workload == "token" else 1
                runs[Cell(workload, number, server.kind.name)].append(
                    run(server, workload, connections=number, seconds=seconds * factor)
                )
                progress.add(1)
    return runs


def medians(runs: Runs) -> Medians:
    return {
        cell: Result(*(median(column) for column in zip(*map(astuple, results), strict=True)))
        for cell, results in runs.items()
    }
