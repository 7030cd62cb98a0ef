import random
import time
from collections import defaultdict

from comparison.alerta import Alerta
from comparison.peer import Peer
from resilience.figures import milliseconds, spread
from resilience.kills import BETWEEN_KILLS, kill
from resilience.load import Dialect, Ledger, Load, write_for
from resilience.restarts import AWAY, restart

WRITERS = 4
VICTIMS = ("worker", "everything", "worker", "worker", "database")
READY_AGAIN = 5


def kills(peer: Peer, times: int) -> str:
    """F1: workers, everything, and everything with its database, again and again while clients write."""
    found = {name: killed(peer, times, dialect) for name, dialect in peer.dialects().items()}
    return "; ".join(f"{name}: {text}" if name else text for name, text in found.items())


def killed(peer: Peer, times: int, dialect: Dialect) -> str:
    with Load(peer.port, [dialect], writers=WRITERS, updates=False) as load:
        for number in range(times):
            load.wait_for_more(BETWEEN_KILLS, seconds=60)
            time.sleep(random.uniform(0, 0.1))
            end(peer, VICTIMS[number % len(VICTIMS)])
        load.wait_for_more(BETWEEN_KILLS, seconds=60)
    return f"{audited(peer, load.ledger)} over {times} kills"


def end(peer: Peer, victim: str) -> None:
    if victim == "database":
        peer.kill_everything()
        peer.crash_database()
    kill(peer, victim)


def ready_again(peer: Peer) -> str:
    """F15: everything but PostgreSQL killed under load."""
    seconds = []
    with Load(peer.port, [peer], writers=WRITERS, updates=False) as load:
        for _ in range(READY_AGAIN):
            load.wait_for_more(BETWEEN_KILLS, seconds=60)
            seconds.append(kill(peer, "everything"))
    return f"{max(seconds):.1f} s at worst, {sum(seconds) / READY_AGAIN:.1f} s on average of {READY_AGAIN}"


def writers(peer: Peer) -> str:
    """F3, F4: eight processes that write without pause."""
    ledger = write_for(20, Load(peer.port, [peer], writers=8, updates=False))
    refused = ledger.lost + ledger.refused.total() + len(ledger.odd)
    locked = peer.log.count("database is locked")
    return f"{refused} of {ledger.writes:,} refused, {locked} locked; {spread(ledger.seconds)}"


def restarts(peer: Peer) -> str:
    """F17: PostgreSQL stopped in both ways, away for 1, 3 and 8 s, under load."""
    assert isinstance(peer, Alerta)
    first: dict[str, list[float]] = defaultdict(list)
    with Load(peer.port, [peer], writers=WRITERS, updates=False) as load:
        for mode in ("fast", "immediate"):
            for away in AWAY:
                load.wait_for_more(100, seconds=90)
                first[mode].append(restart(peer.cluster, mode, away, lambda: load.acknowledged.value))
    times = "; ".join(f"{mode}: {', '.join(map(milliseconds, seconds))}" for mode, seconds in first.items())
    return f"{audited(peer, load.ledger)}; to the first success, {times}"


def audited(peer: Peer, ledger: Ledger) -> str:
    """Hold the ledger against the database."""
    stored: dict[str, set[tuple[int, str]]] = defaultdict(set)
    for name, pk, text in peer.stored():
        stored[name].add((pk, text))
    lost = sum((entry.pk, entry.text) not in stored[entry.key] for entry in ledger.entries)
    doubled = sum(len(stored[entry.key]) > 1 for entry in ledger.entries)
    odd = f", {len(ledger.odd)} answers 5xx or 4xx" if ledger.odd else ""
    never = f", {len(ledger.unacknowledged)} never acknowledged" if ledger.unacknowledged else ""
    return f"{lost} lost / {doubled} doubled of {ledger.writes:,}{odd}{never}"
