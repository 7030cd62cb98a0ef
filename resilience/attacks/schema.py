from functools import partial

from bench.http_client import Request
from resilience.attacks.attackers import repeated
from resilience.attacks.observed import cpu_of, observe
from resilience.attacks.target import Target
from resilience.figures import Figure, milliseconds

CLIENTS = 8
SAMPLE = 20
MAX_SECONDS = 0.006  # what the other responses cost
KINDS = {"YAML": "application/vnd.oai.openapi", "JSON": "application/vnd.oai.openapi+json"}


def run(target: Target) -> list[Figure]:
    """Strangers who ask for the OpenAPI document, x8, and the CPU of one."""
    with target.running() as service:
        figures = []
        for name, kind in KINDS.items():
            request = Request("GET", "/api/schema/", headers={"Accept": kind})
            cpu_of(service, [request] * 4)
            seconds, statuses, _size = cpu_of(service, [request] * SAMPLE)
            figures.append(
                Figure(
                    "15",
                    f"schema: CPU of one, {name}",
                    f"< {milliseconds(MAX_SECONDS)}",
                    f"{milliseconds(seconds)}, status {next(iter(statuses))}",
                    seconds < MAX_SECONDS,
                )
            )
        requests = [Request("GET", "/api/schema/", headers={"Accept": kind}) for kind in KINDS.values()]
        attack = partial(repeated, service.port, requests)
        observation = observe(target, service, service.login(), CLIENTS, attack)
        return [*figures, *observation.figures("15", f"schema: {CLIENTS} strangers")]
