"""The workloads, and the request that each of them sends to a server.

create          one incident
update          another incident's status each time
list            100 incidents of one status (POST dialect); the reference's page of 20 by status
page            a REST page of 20
page by status  a REST page of 20 of one status
token           a login
hook            one alert of Alertmanager, another one each time
hook again      the same alert each time, a repeat of an active incident
whole list      every incident at once (bench.whole_list alone)
"""

import json
from dataclasses import dataclass, replace
from typing import Any

from bench.http_client import Request

USERNAME = "bench"
PASSWORD = "bench bench bench"
TEXT = "Самокат 4217 не в сети больше часа, дом 12"
WORKLOADS = ("create", "update", "list", "page", "page by status", "token", "hook", "hook again")
REST_ROOT = "/api/incidents/"


@dataclass(frozen=True)
class Call:
    """A request that does one unit of work; {id}, {status} and {number} stand for other values each time."""

    method: str
    path: str
    status: int
    body: str = ""
    authorization: str = ""
    statuses: tuple[str, str] | None = None

    def filled_in(self, incident_id: int, status_number: int = 0) -> "Call":
        """Return this call with the incident and one of the two statuses put in."""
        if self.statuses is None:
            return replace(self, body=self.body.replace("{number}", "0"))
        body = self.body.replace("{id}", str(incident_id))
        return replace(
            self,
            path=self.path.replace("{id}", str(incident_id)),
            body=body.replace("{status}", self.statuses[status_number]),
        )

    def request(self) -> Request:
        headers = {"Content-Type": "application/json"}
        if self.authorization:
            headers["Authorization"] = self.authorization
        return Request(self.method, self.path, self.body or None, headers)


def post_call(workload: str, token: str) -> Call:
    paths = {
        "create": "/incidents/create/",
        "update": "/incidents/update/",
        "token": "/users/authorization/",
    }
    bodies: dict[str, dict[str, Any]] = {
        "create": {"incident": TEXT, "source": "monitoring"},
        "update": {"id": "{id}", "status": "{status}"},
        "list": {"status": "new", "limit": 100},
        "whole list": {},
        "token": {"username": USERNAME, "password": PASSWORD},
    }
    proof = {} if workload == "token" else {"token": token}
    body = json.dumps({**proof, **bodies[workload]}, ensure_ascii=False).replace('"{id}"', "{id}")
    return Call(
        "POST",
        paths.get(workload, "/incidents/get_all/"),
        201 if workload == "create" else 200,
        body,
        statuses=("processing", "unknown") if workload == "update" else None,
    )


def rest_call(workload: str, token: str) -> Call:
    """Return the REST call; the reference knows no tokens and is given an empty one."""
    proof = f"Bearer {token}" if token else ""
    match workload:
        case "create":
            body = json.dumps({"description": TEXT, "source": "monitoring"}, ensure_ascii=False)
            return Call("POST", REST_ROOT, 201, body, proof)
        case "update":
            statuses = ("in_progress", "cancelled")
            return Call("PATCH", REST_ROOT + "{id}/", 200, '{"status": "{status}"}', proof, statuses)
        case "page":
            return Call("GET", REST_ROOT, 200, authorization=proof)
        case _:
            return Call("GET", f"{REST_ROOT}?status=open", 200, authorization=proof)


def hook_call(token: str) -> Call:
    """Return the post of an alert, another one for each {number}: an incident, its event and the post."""
    alert = {
        "status": "firing",
        "labels": {"alertname": "Offline", "instance": "scooter-4217", "severity": "critical"},
        "annotations": {"summary": TEXT},
        "startsAt": "2026-01-01T00:00:00.326990857Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus:9090/graph?g0.expr=up",
        "fingerprint": "{number}",
    }
    payload = {
        "receiver": "incidents",
        "status": "firing",
        "alerts": [alert],
        "groupLabels": {"alertname": "Offline"},
        "commonLabels": alert["labels"],
        "commonAnnotations": alert["annotations"],
        "externalURL": "http://alertmanager:9093",
        "version": "4",
        "groupKey": '{}:{alertname="Offline"}',
        "truncatedAlerts": 0,
    }
    body = json.dumps(payload, ensure_ascii=False)
    return Call("POST", "/hooks/alertmanager/", 202, body, f"Bearer {token}")
