import json
from functools import partial

from bench.http_client import Request
from resilience.attacks.accounts import bearer
from resilience.attacks.attackers import repeated
from resilience.attacks.dataset import incident, load
from resilience.attacks.observed import observe
from resilience.attacks.target import Target
from resilience.figures import Figure

INCIDENTS = 10_000
ALERTS = 10_000
CLIENTS = (1, 4)


def run(target: Target) -> list[Figure]:
    """Posts of 10,000 resolved alerts through one connection, one at a time and four at once."""
    figures: list[Figure] = []
    for clients in CLIENTS:
        with target.running() as service:
            load(service, (incident(number) for number in range(1, INCIDENTS + 1)))
            connection = json.loads(service.manage("connect", "alertmanager", "prod", "--json"))
            headers = bearer(connection["token"])
            requests = [
                Request("POST", "/hooks/alertmanager/", storm(number), headers) for number in range(clients)
            ]
            token = service.login()
            others = {
                "a stranger's /login/": Request("GET", "/login/"),
                "another user's list": Request("GET", "/api/incidents/", headers=bearer(token)),
            }
            also = {name: partial(same, request) for name, request in others.items()}
            attack = partial(repeated, service.port, requests)
            observation = observe(target, service, token, clients, attack, also)
            name = f"alert_storms: posts of {ALERTS:,} alerts x{clients}"
            figures += observation.figures("-", name)
    return figures


def same(request: Request, _number: int) -> Request:
    return request


def storm(number: int) -> str:
    alerts = [
        {
            "status": "resolved",
            "labels": {"alertname": "InstanceDown", "instance": f"host-{one}"},
            "fingerprint": f"{number:08x}{one:08x}",
        }
        for one in range(ALERTS)
    ]
    return json.dumps({"status": "resolved", "groupKey": f"group {number}", "alerts": alerts})
