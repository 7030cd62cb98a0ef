"""Incidents in numbers, through the service's own `manage.py import`."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from resilience.service import Service

DATETIME = "2025-11-11T23:08:12.266Z"
TEXT = "Самокат 4217 не в сети больше часа, дом 12"
EMOJI = "\N{SCOOTER}"


def incident(number: int, text: str = TEXT, **fields: Any) -> dict[str, Any]:
    return {"id": number, "description": text, "source": "operator", "created_at": DATETIME, **fields}


def comment(text: str) -> dict[str, Any]:
    return {"kind": "commented", "at": DATETIME, "door": "rest", "status_to": "open", "comment": text}


def load(service: Service, incidents: Iterable[Mapping[str, Any]]) -> None:
    path = service.folder / "incidents.jsonl"
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(fields, ensure_ascii=False) + "\n" for fields in incidents)
    service.manage("import", str(path))
    path.unlink()
