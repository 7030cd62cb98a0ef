from functools import partial

from bench.http_client import Request
from resilience.attacks.accounts import bearer, make_accounts
from resilience.attacks.attackers import repeated
from resilience.attacks.dataset import incident, load
from resilience.attacks.observed import cpu_of, observe
from resilience.attacks.target import Target
from resilience.figures import Figure, milliseconds

TEXTS = 100
LENGTH = 10_000
CLIENTS = 16
TERMS = (4_000, 199)  # letters before the last; the second is the longest that the operators' page takes


def run(target: Target) -> list[Figure]:
    """Search for "aaa...ab" among 100 texts of 10,000 "a" through REST, x16 by one user."""
    figures: list[Figure] = []
    with target.running() as service:
        load(service, (incident(number, "a" * LENGTH) for number in range(1, TEXTS + 1)))
        accounts = make_accounts(service, 1)
        token = service.login()
        for letters in TERMS:
            path = f"/api/incidents/?search={'a' * letters}b"
            requests = [Request("GET", path, headers=account.session) for account in accounts[:1] * CLIENTS]
            seconds, statuses, _size = cpu_of(service, requests[:1])
            name = f"search: {letters + 1:,} letters"
            figures.append(
                Figure(
                    "4",
                    f"{name}, CPU of one among {TEXTS} texts of {LENGTH:,} letters",
                    "< 200 ms",
                    f"{milliseconds(seconds)}, status {next(iter(statuses))}",
                    seconds < 0.2,
                )
            )
            attack = partial(repeated, service.port, requests)
            also = {"another user's search": partial(search_as, token)}
            observation = observe(target, service, token, CLIENTS, attack, also)
            figures += observation.figures("4", f"{name} x{CLIENTS}")
    return figures


def search_as(token: str, _number: int) -> Request:
    return Request("GET", "/api/incidents/?search=scooter", headers=bearer(token))
