from functools import partial

from bench.http_client import Request
from resilience.attacks.accounts import make_accounts, tokens
from resilience.attacks.attackers import repeated
from resilience.attacks.observed import cpu_of, observe
from resilience.attacks.target import Target
from resilience.figures import Figure, milliseconds

LENGTH = 10_000
# Two combining classes in the wrong order: canonical ordering moves each of the second past all of the first.
WORST = "a" + "\u0344" * 5000 + "\u0f81" * 4999
ORDINARY = ("Самокат 4217 не в сети больше часа, дом 12. " * 300)[:LENGTH]
REPORTERS = 8
SAMPLE = 5
MAX_RATIO = 3


def run(target: Target) -> list[Figure]:
    """Texts of combining marks by 8 reporters, and the CPU of one beside an ordinary text of its length."""
    with target.running() as service:
        token = service.login()
        reporters = tokens(service, make_accounts(service, REPORTERS))
        ordinary, _statuses, _size = cpu_of(service, [create(token, ORDINARY)] * SAMPLE)
        worst, statuses, _size = cpu_of(service, [create(token, WORST)] * SAMPLE)
        ratio = worst / ordinary
        cost = Figure(
            "5",
            f"combining_marks: CPU of the worst text against an ordinary one of {LENGTH:,} characters",
            f"< {MAX_RATIO} times",
            f"{ratio:.1f} times ({milliseconds(worst)} against {milliseconds(ordinary)}), "
            f"status {next(iter(statuses))}",
            ratio < MAX_RATIO,
        )
        attack = partial(repeated, service.port, [create(reporter, WORST) for reporter in reporters])
        observation = observe(target, service, token, REPORTERS, attack)
        return [cost, *observation.figures("5", f"combining_marks: {REPORTERS} reporters")]


def create(token: str, text: str) -> Request:
    body = {"token": token, "incident": text, "source": "operator"}
    return Request("POST", "/incidents/create/", body)
