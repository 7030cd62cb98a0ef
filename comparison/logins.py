import statistics
from collections import Counter

from comparison.peer import NAME, PASSWORD, Peer
from resilience.figures import milliseconds
from resilience.guesses import volley
from resilience.service import Service

PARALLEL = 40
VOLLEYS = 3
EACH = 30


def guesses(peer: Peer) -> str:
    """F8: volleys of wrong passwords for one account, then the right one."""

    def guess(_service: Service, _username: str, password: str, _address: str) -> str:
        return peer.log_in(NAME, password)[0]

    verdicts = sum((volley(peer, [guess], PARALLEL, "") for _ in range(VOLLEYS)), Counter())
    right, _ = peer.log_in(NAME, PASSWORD)
    return f"{verdicts['wrong']} of {verdicts.total()} looked at; then the right password is {right}"


def timing(peer: Peer) -> str:
    """F10: failed logins with a known and an unknown name, in turns."""
    seconds: dict[str, list[float]] = {"known": [], "unknown": []}
    peer.log_in("warm@example.org", "wrong")
    for number in range(EACH):
        peer.forget_guesses()
        for kind, name in {"known": NAME, "unknown": f"nobody{number}@example.org"}.items():
            verdict, took = peer.log_in(name, "wrong 7 mice")
            assert verdict == "wrong", verdict
            seconds[kind].append(took)
    known, unknown = (statistics.median(values) for values in seconds.values())
    return f"{milliseconds(known)} known, {milliseconds(unknown)} unknown"
