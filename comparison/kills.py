import random
import time
from collections import defaultdict

from comparison.alerta import Alerta
from comparison.product import Product
from resilience.figures import milliseconds, spread
from resilience.kills import BETWEEN_KILLS, kill
from resilience.load import Dialect, Ledger, Load, write_for
from resilience.postgres_restarts import AWAY, restart

WRITERS = 4
TARGETS = ("worker", "everything", "worker", "worker", "database")
READY_AGAIN = 5


def kills(product: Product, times: int) -> str:
    """F1: workers, everything, and everything with its database, again and again while clients write."""
    found = {name: killed(product, times, dialect) for name, dialect in product.dialects().items()}
    return "; ".join(f"{name}: {text}" if name else text for name, text in found.items())


def killed(product: Product, times: int, dialect: Dialect) -> str:
    with Load(product.port, [dialect], writers=WRITERS, updates=False) as load:
        for number in range(times):
            load.wait_for_more(BETWEEN_KILLS, seconds=60)
            time.sleep(random.uniform(0, 0.1))
            kill_target(product, TARGETS[number % len(TARGETS)])
        load.wait_for_more(BETWEEN_KILLS, seconds=60)
    return f"{audit(product, load.ledger)} over {times} kills"


def kill_target(product: Product, target: str) -> None:
    if target == "database":
        product.kill_everything()
        product.crash_database()
    kill(product, target)


def ready_again(product: Product) -> str:
    """F15: everything but PostgreSQL killed under load."""
    seconds = []
    with Load(product.port, [product], writers=WRITERS, updates=False) as load:
        for _ in range(READY_AGAIN):
            load.wait_for_more(BETWEEN_KILLS, seconds=60)
            seconds.append(kill(product, "everything"))
    return f"{max(seconds):.1f} s at worst, {sum(seconds) / READY_AGAIN:.1f} s on average of {READY_AGAIN}"


def writers(product: Product) -> str:
    """F3, F4: eight processes that write without pause."""
    ledger = write_for(20, Load(product.port, [product], writers=8, updates=False))
    refused = ledger.no_response + ledger.refused.total() + len(ledger.unexpected)
    locked = product.log.count("database is locked")
    return f"{refused} of {ledger.writes:,} refused, {locked} locked; {spread(ledger.seconds)}"


def restarts(product: Product) -> str:
    """F17: PostgreSQL stopped in both ways, away for 1, 3 and 8 s, under load."""
    assert isinstance(product, Alerta)
    first: dict[str, list[float]] = defaultdict(list)
    with Load(product.port, [product], writers=WRITERS, updates=False) as load:
        for mode in ("fast", "immediate"):
            for away in AWAY:
                load.wait_for_more(100, seconds=90)
                first[mode].append(restart(product.cluster, mode, away, lambda: load.acknowledged.value))
    times = "; ".join(f"{mode}: {', '.join(map(milliseconds, seconds))}" for mode, seconds in first.items())
    return f"{audit(product, load.ledger)}; to the first success, {times}"


def audit(product: Product, ledger: Ledger) -> str:
    """Compare the ledger with the database."""
    stored: dict[str, set[tuple[int, str]]] = defaultdict(set)
    for name, pk, text in product.stored():
        stored[name].add((pk, text))
    lost = sum((entry.pk, entry.text) not in stored[entry.key] for entry in ledger.entries)
    doubled = sum(len(stored[entry.key]) > 1 for entry in ledger.entries)
    others = f", {len(ledger.unexpected)} responses 5xx or 4xx" if ledger.unexpected else ""
    never = f", {len(ledger.unacknowledged)} never acknowledged" if ledger.unacknowledged else ""
    return f"{lost} lost / {doubled} doubled of {ledger.writes:,}{others}{never}"
