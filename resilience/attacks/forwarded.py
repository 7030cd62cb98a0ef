from collections import Counter
from collections.abc import Iterable

from bench.http_client import Client
from resilience.attacks.target import Target
from resilience.figures import Figure
from resilience.service import Service

GUESSES = 8
LIMIT = 5
FORMS = {
    "an address alone": "203.0.113.7",
    "address:port": "203.0.113.8:4000{n}",
    "[IPv6]:port": "[2001:db8:1::8]:4000{n}",
    "IPv6 of one /64": "2001:db8:2::{n}",
    "no address at all": "unknown-{n}",
    "quoted": '"203.0.113.9:4000{n}"',
}


def run(target: Target) -> list[Figure]:
    """Guesses behind a trusted proxy that gives the client's address with its port, or no address."""
    figures = []
    with target.running(TRUSTED_PROXIES="1") as service:
        for name, form in FORMS.items():
            values = (form.format(n=n) for n in range(GUESSES))
            verdicts = guess(service, values, username=f"user of {name}"[:30])
            looked_at = verdicts[401] + verdicts[200]
            figures.append(
                Figure(
                    "14",
                    f"forwarded: {GUESSES} guesses from {name}",
                    f"{LIMIT} looked at",
                    f"{looked_at} looked at, {verdicts[429]} refused",
                    looked_at == LIMIT and verdicts[429] == GUESSES - LIMIT,
                )
            )
    return figures


def guess(service: Service, addresses: Iterable[str], username: str) -> Counter[int]:
    verdicts: Counter[int] = Counter()
    for address in addresses:
        with Client(service.port, timeout=60, headers={"X-Forwarded-For": address}) as client:
            response = client.post("/users/authorization/", username=username, password="wrong 7 mice")
        verdicts[response.status] += 1
    return verdicts
