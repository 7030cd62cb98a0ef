from collections.abc import Callable
from dataclasses import dataclass

from comparison import bad_input, connections, kills, logins, speed
from comparison.product import Product


@dataclass(frozen=True)
class Row:
    """One row of the table: what `find` finds on a product that has just been started."""

    what: str
    find: Callable[[Product], str]
    only: str = ""  # the one product that has it, empty for both


def rows(*, times: int = 10, seconds: int = 10) -> dict[str, Row]:
    """Return the rows by their names, with so many kills and so many seconds of load by wrk."""
    load = f"{speed.CONNECTIONS} connections"
    return {
        "create": Row(f"creates, {load}", lambda product: speed.create(product, seconds)),
        "list": Row(f"a list of 100, {load}", lambda product: speed.read_list(product, seconds)),
        "F1": Row(
            "creates lost / doubled over kill -9 under load", lambda product: kills.kills(product, times)
        ),
        "F2": Row("5xx from bad input", bad_input.bad_input),
        "F3": Row("F3, F4: creates by 8 processes without pause for 20 s", kills.writers),
        "F5": Row(
            f"a response while {3 * connections.EACH} idle and half-sent connections are held",
            connections.held,
        ),
        "F8": Row(f"guesses at one password, {logins.PARALLEL} in parallel", logins.guesses),
        "F10": Row("time of a failed login, known and unknown name", logins.timing),
        "F11": Row(f"requests lost on SIGTERM with {connections.IN_FLIGHT} in flight", connections.stop),
        "F15": Row("ready again after kill -9 of everything under load", kills.ready_again),
        "F17": Row("PostgreSQL stopped and started under load", kills.restarts, only="alerta"),
    }
