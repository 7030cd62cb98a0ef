from collections.abc import Callable
from dataclasses import dataclass

from comparison import hostile, kills, logins, lost, speed
from comparison.peer import Peer


@dataclass(frozen=True)
class Row:
    """One row of the table: what `find` finds on a peer that has just been started."""

    what: str
    find: Callable[[Peer], str]
    only: str = ""  # the one peer that has it, empty for both


def rows(*, times: int = 10, seconds: int = 10) -> dict[str, Row]:
    """Return the rows by their names, with so many kills and so many seconds of load by wrk."""
    connections = f"{speed.CONNECTIONS} connections"
    return {
        "create": Row(f"creates, {connections}", lambda peer: speed.create(peer, seconds)),
        "list": Row(f"a list of 100, {connections}", lambda peer: speed.read_list(peer, seconds)),
        "F1": Row("creates lost / doubled over kill -9 under load", lambda peer: kills.kills(peer, times)),
        "F2": Row("5xx from bad input", hostile.hostile),
        "F3": Row("F3, F4: creates by 8 processes without pause for 20 s", kills.writers),
        "F5": Row(f"an answer while {3 * lost.EACH} idle and half-sent connections are held", lost.held),
        "F8": Row(f"guesses at one password, {logins.PARALLEL} in parallel", logins.guesses),
        "F10": Row("time of a failed login, known and unknown name", logins.timing),
        "F11": Row(f"requests lost on SIGTERM with {lost.IN_FLIGHT} in flight", lost.stop),
        "F15": Row("ready again after kill -9 of everything under load", kills.ready_again),
        "F17": Row("PostgreSQL stopped and started under load", kills.restarts, only="alerta"),
    }
