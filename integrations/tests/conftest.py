"""A sender in each test: `connect(Kind.GRAFANA)` makes one that posts through Django's own test client."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from django.utils import timezone

from incidents.models import Incident
from integrations import services
from integrations.inbound.tests.examples import load
from integrations.models import Integration, Kind, ReceivedPost
from testing.clients import new_client


@dataclass(frozen=True)
class Reply:
    status: int
    content: dict[str, Any]
    headers: Mapping[str, str]

    @property
    def results(self) -> list[tuple[str, str]]:
        """The key and the outcome of each result."""
        return [(result["dedup_key"], result["outcome"]) for result in self.content["results"]]

    @property
    def outcomes(self) -> list[str]:
        return [result["outcome"] for result in self.content["results"]]


@dataclass
class Hook:
    """An integration and its sender."""

    integration: Integration
    token: str

    def __post_init__(self) -> None:
        self.client = new_client(raise_request_exception=False)

    @property
    def path(self) -> str:
        return f"/hooks/{self.integration.kind}/"

    def send(
        self,
        body: bytes = b"",
        *,
        method: str = "POST",
        path: str = "",
        content_type: str = "application/json",
        **headers: str,
    ) -> Reply:
        """Send bytes; without headers the token goes as Bearer."""
        given = headers or {"Authorization": f"Bearer {self.token}"}
        response: Any = self.client.generic(
            method, path or self.path, body, content_type=content_type, headers=given
        )
        assert response.headers["Content-Type"] == "application/json", response
        return Reply(response.status_code, json.loads(response.content), response.headers)

    def post(self, payload: Any, **more: Any) -> Reply:
        return self.send(json.dumps(payload).encode(), **more)

    def post_example(self, name: str, **changes: Any) -> Reply:
        """Post a payload of integrations/inbound/tests/payloads, with top-level fields changed."""
        return self.post(load(name) | changes)

    @property
    def last_post(self) -> ReceivedPost:
        return ReceivedPost.objects.filter(integration=self.integration).latest("id")

    @property
    def incidents(self) -> list[Incident]:
        return list(Incident.objects.filter(created_by=self.integration.user).order_by("id"))

    @property
    def statuses(self) -> list[str]:
        return [incident.status for incident in self.incidents]


Connect = Callable[..., Hook]


@pytest.fixture
def connect(db: None) -> Connect:
    def make(kind: Kind, name: str = "", **choices: Any) -> Hook:
        integration = Integration(name=name or f"Sender {Integration.objects.count()}", kind=kind, **choices)
        return Hook(integration, services.connect(integration))

    return make


def firing(*names: str, status: str = "firing", **fields: Any) -> dict[str, Any]:
    """Return a payload of Alertmanager with an alert for each name."""
    starts_at = timezone.now().isoformat()
    return {
        "version": "4",
        "groupKey": "{}:{}",
        "status": status,
        "truncatedAlerts": 0,
        "alerts": [
            {
                "status": status,
                "labels": {"alertname": name, "severity": "critical"},
                "annotations": {"summary": f"{name} is down"},
                "startsAt": starts_at,
                "endsAt": "0001-01-01T00:00:00Z",
                "fingerprint": name,
                **fields,
            }
            for name in names
        ],
    }
