from resilience.audit import audit
from resilience.figures import Figure, milliseconds, spread
from resilience.load import Load, dialects, write_for
from resilience.service import KINDS, running

MOST_FOR_F4 = 4  # its goal is for so many writers


def run(*, seconds: int = 60, writers: int = 8, kind: str = "service") -> list[Figure]:
    """F3, F4: processes that write as fast as they are answered; refusals, and the slowest write."""
    with running(KINDS[kind]) as service:
        token = service.login() if kind == "service" else ""
        ledger = write_for(seconds, Load(service.port, dialects(token), writers=writers))
        service.stop()
        found = audit(service, ledger)
        locked = service.log.count("database is locked")
    told = f"{ledger}; {spread(ledger.seconds)}; {found}"
    refused = sum(ledger.refused.values()) + len(ledger.odd)
    promise = f"with {writers} writing processes for {seconds} s, {kind}"
    slowest = max(ledger.seconds)
    figures = [
        Figure(
            "F3",
            f"refused or 'database is locked' {promise}",
            "0",
            f"{refused} refused, {locked} locked; {told}",
            refused == locked == 0 and found.is_clean,
        )
    ]
    if writers <= MOST_FOR_F4:
        figures.append(
            Figure("F4", f"slowest write {promise}", "< 250 ms", milliseconds(slowest), slowest < 0.25)
        )
    return figures
