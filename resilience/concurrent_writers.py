from resilience.audit import audit
from resilience.figures import Figure, milliseconds, spread
from resilience.load import Load, dialects, write_for
from resilience.service import KINDS, running

MAX_WRITERS_OF_F4 = 4


def run(*, seconds: int = 60, writers: int = 8, kind: str = "service") -> list[Figure]:
    """F3, F4: processes that write without pause; refusals, and the slowest write."""
    with running(KINDS[kind]) as service:
        token = service.login() if kind == "service" else ""
        ledger = write_for(seconds, Load(service.port, dialects(token), writers=writers))
        service.stop()
        found = audit(service, ledger)
        locked = service.log.count("database is locked")
    details = f"{ledger}; {spread(ledger.seconds)}; {found}"
    refused = sum(ledger.refused.values()) + len(ledger.unexpected)
    promise = f"with {writers} writing processes for {seconds} s, {kind}"
    slowest = max(ledger.seconds)
    figures = [
        Figure(
            "F3",
            f"refused or 'database is locked' {promise}",
            "0",
            f"{refused} refused, {locked} locked; {details}",
            refused == locked == 0 and found.is_clean,
        )
    ]
    if writers <= MAX_WRITERS_OF_F4:
        figures.append(
            Figure("F4", f"slowest write {promise}", "< 250 ms", milliseconds(slowest), slowest < 0.25)
        )
    return figures
