import statistics
from collections import Counter

from comparison.product import NAME, PASSWORD, Product
from resilience.figures import milliseconds
from resilience.password_guessing import volley
from resilience.service import Service

PARALLEL = 40
VOLLEYS = 3
EACH = 30


def guesses(product: Product) -> str:
    """F8: volleys of wrong passwords for one account, then the right one."""

    def guess(_service: Service, _username: str, password: str, _address: str) -> str:
        return product.log_in(NAME, password)[0]

    verdicts = sum((volley(product, [guess], PARALLEL, "") for _ in range(VOLLEYS)), Counter())
    right, _ = product.log_in(NAME, PASSWORD)
    return f"{verdicts['wrong']} of {verdicts.total()} checked; then the right password is {right}"


def timing(product: Product) -> str:
    """F10: failed logins with a known and an unknown name, alternately."""
    seconds: dict[str, list[float]] = {"known": [], "unknown": []}
    product.log_in("warm@example.org", "wrong")
    for number in range(EACH):
        product.reset_login_limit()
        for kind, name in {"known": NAME, "unknown": f"nobody{number}@example.org"}.items():
            verdict, took = product.log_in(name, "wrong 7 mice")
            assert verdict == "wrong", verdict
            seconds[kind].append(took)
    known, unknown = (statistics.median(values) for values in seconds.values())
    return f"{milliseconds(known)} known, {milliseconds(unknown)} unknown"
