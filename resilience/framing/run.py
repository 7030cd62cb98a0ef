"""The differential comparison of the workers, and its figures."""

import time
from collections import Counter
from pathlib import Path

from bench.processes import PROJECT
from resilience.figures import Figure
from resilience.framing import behind, client
from resilience.framing.compare import Outcome, Pair, allowance, difference, is_misread
from resilience.framing.servers import STOCK, WORKER, Server, serving
from resilience.framing.streams import stream

QUICK = 500
SETTLE_SECONDS = 1
SILENCE_ALONE = 2.0
MAX_REPEATS = 200


def run(
    *,
    streams: int = 20_000,
    seed: int = 1,
    quick: bool = False,
    service: str = str(PROJECT),
    worker: str = WORKER,
) -> list[Figure]:
    """Random streams of HTTP/1.1 to this worker and to stock gunicorn: do both see the same requests?"""
    numbers = range(QUICK if quick else streams)
    options = ("--worker-class", worker, "--threads", "4")
    with (
        serving("stock gunicorn", *STOCK) as stock,
        serving("this worker", *options, checkout=Path(service)) as ours,
    ):
        pairs = compare(stock, ours, seed, numbers)
        differing = [pair for pair in pairs if difference(pair) or is_misread(pair)]
        # What differs only while the machine is busy is no difference: each is sent again, alone.
        unexpected_yet = [pair for pair in differing if allowance(pair) is None]
        differing = [pair for pair in differing if allowance(pair)] + repeat(stock, ours, unexpected_yet)
        unexpected, allowed = sort(differing)
        proxied = behind.run(ours, seed, len(numbers) // 10)
    kinds = Counter(pair.stream.kind.value for pair in pairs)
    requests = sum(len(pair.ours.seen) for pair in pairs)
    what = f"{len(pairs):,} streams ({', '.join(f'{count:,} {kind}' for kind, count in kinds.items())})"
    return [
        Figure(
            "",
            f"framing: boundaries understood differently than by stock gunicorn in {what}",
            "0",
            f"{unexpected['boundaries']:,}; this worker saw {requests:,} requests",
            not unexpected["boundaries"],
        ),
        Figure(
            "",
            "framing: valid streams whose requests were not seen as they are",
            "0",
            f"{unexpected['misread']:,} of {kinds['valid']:,}",
            not unexpected["misread"],
        ),
        Figure(
            "",
            "framing: other statuses than stock gunicorn's",
            "0",
            f"{unexpected['statuses']:,}; allowed: "
            + (", ".join(f"{count:,} x {reason}" for reason, count in allowed.items()) or "none"),
            not unexpected["statuses"],
        ),
        *proxied,
    ]


def compare(stock: Server, ours: Server, seed: int, numbers: range) -> list[Pair]:
    received = [client.send_all(server.port, seed, numbers) for server in (stock, ours)]
    time.sleep(SETTLE_SECONDS)
    seen = [server.seen() for server in (stock, ours)]
    pairs = []
    for index, number in enumerate(numbers):
        given = stream(seed, number)
        outcomes = [
            Outcome(tuple(found.get(given.address, [])), statuses[index])
            for found, statuses in zip(seen, received, strict=True)
        ]
        pairs.append(Pair(given, *outcomes))
    return pairs


def repeat(stock: Server, ours: Server, pairs: list[Pair]) -> list[Pair]:
    """Send each of these streams again, alone and with more patience; return those that differ again."""
    again = []
    for pair in pairs[:MAX_REPEATS]:
        outcomes = []
        for server in (stock, ours):
            server.records.write_text("")
            statuses = client.send(server.port, pair.stream, SILENCE_ALONE)
            time.sleep(0.05)
            outcomes.append(Outcome(tuple(server.seen().get(pair.stream.address, [])), statuses))
        repeated = Pair(pair.stream, *outcomes)
        if difference(repeated) or is_misread(repeated):
            again.append(repeated)
    return again + pairs[MAX_REPEATS:]


def sort(pairs: list[Pair]) -> tuple[Counter[str], Counter[str]]:
    """Print each difference that is not allowed; count those by what differs, and the allowed by reason."""
    unexpected: Counter[str] = Counter()
    allowed: Counter[str] = Counter()
    for pair in pairs:
        found = allowance(pair)
        if found:
            allowed[found.reason] += 1
            continue
        what = "misread" if is_misread(pair) else difference(pair)
        unexpected[what] += 1
        print(f"{what} differ: {pair.stream}\n  stock: {pair.stock}\n  ours:  {pair.ours}", flush=True)
    return unexpected, allowed
