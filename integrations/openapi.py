"""The hooks in the OpenAPI document."""

from typing import Any

from api.post.openapi import json_content, shape
from integrations.models import Kind
from integrations.responses import STATUSES

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
TEXT_OR_NULL: Schema = {"type": "string", "nullable": True}
RESULT = shape(
    {
        "dedup_key": TEXT_OR_NULL,
        "action": TEXT_OR_NULL,
        "outcome": TEXT,
        "incident": {"type": "integer", "nullable": True},
        "url": TEXT_OR_NULL,
        "note": {"type": "string", "description": "Why nothing was done."},
    },
    ["dedup_key", "action", "outcome", "incident", "url"],
)
ACCEPTED = shape(
    {
        "status": {"type": "string", "enum": ["success"]},
        "message": {"type": "string", "enum": ["Event processed"]},
        "dedup_key": TEXT_OR_NULL,
        "results": {"type": "array", "items": RESULT},
    }
)
REFUSALS = {
    400: "Nothing of the payload can be used",
    401: "The token is missing or wrong",
    403: "The connection is switched off",
    404: "There is no such kind",
    405: "POST or PUT required",
    413: "The body is larger than 4 MiB",
    500: "Internal error",
    503: "The service is busy, send it again",
}
TOKEN: Schema = {
    "name": "X-Api-Key",
    "in": "header",
    "description": (
        "The token of the connection: here, in Authorization (Bearer, or Basic as the password), as ?token=,"
        " as the last part of the path, or as PagerDuty's routing_key."
    ),
    "schema": TEXT,
}

KIND: Schema = {
    "name": "kind",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "enum": Kind.values},
}


def refusal(status: int) -> Schema:
    return shape(
        {
            "status": {"type": "string", "enum": [STATUSES[status]]},
            "message": TEXT,
            "errors": {"type": "array", "items": TEXT},
        }
    )


def operation(name: str, summary: str, *parameters: Schema) -> Schema:
    responses = {
        "202": {"description": "What each alert did", "content": json_content(ACCEPTED)},
        **{
            str(status): {"description": text, "content": json_content(refusal(status))}
            for status, text in REFUSALS.items()
        },
    }
    return {
        "operationId": name,
        "summary": summary,
        "tags": ["Hooks"],
        "security": [],
        "parameters": [*parameters, TOKEN],
        "requestBody": {"required": True, "content": json_content({"type": "object"})},
        "responses": responses,
    }


def hook_paths() -> Schema:
    of_kind = operation("hook", "What a monitoring system posts. PUT is the same.", KIND)
    of_pagerduty = operation("hook_pagerduty", "The same for clients of PagerDuty's Events API v2.")
    return {"/hooks/{kind}/": {"post": of_kind}, "/hooks/pagerduty/v2/enqueue": {"post": of_pagerduty}}
