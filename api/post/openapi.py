"""The POST dialect in the OpenAPI document, beside what drf-spectacular reads from REST's views.

A package describes its calls as `Call`s; the document's hook puts them in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Schema = dict[str, Any]

NOTHING: Schema = {"type": "object", "additionalProperties": False}
TOKEN: Schema = {"type": "string", "description": "From /users/authorization/."}
ID: Schema = {"type": "integer", "minimum": 1}
TIMESTAMP: Schema = {"type": "string", "format": "date-time", "example": "2025-11-11T23:08:12.266Z"}


@dataclass(frozen=True)
class Call:
    """One call of the dialect: its request's fields, and the shape of `data` for each good status."""

    path: str
    summary: str
    fields: Mapping[str, Schema]
    required: list[str]
    responses: Mapping[int, Schema]
    errors: Mapping[int, str] = field(default_factory=dict)
    takes_token: bool = True


ERRORS = {
    400: "A field is missing or wrong",
    405: "POST required",
    413: "Request body is too large",
    500: "Internal error",
    503: "Service is busy, try again",
}
TOKEN_ERRORS = {401: "Invalid token", 403: "Permission denied"}


def shape(properties: Mapping[str, Schema], required: list[str] | None = None) -> Schema:
    """Describe an object; all of its properties are required unless said otherwise."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties) if required is None else required,
    }


def envelope(status: int, data: Schema, *, success: bool) -> Schema:
    return shape(
        {
            "success": {"type": "boolean", "enum": [success]},
            "error": {"type": "string"} if not success else {"type": "string", "enum": [""]},
            "status": {"type": "integer", "enum": [status]},
            "data": data,
        }
    )


def operation(call: Call) -> Schema:
    """Describe the call as an OpenAPI operation."""
    errors = ERRORS | (TOKEN_ERRORS if call.takes_token else {}) | dict(call.errors)
    responses = {
        str(status): response("Done", envelope(status, data, success=True))
        for status, data in call.responses.items()
    } | {
        str(status): response(text, envelope(status, {"type": "object"}, success=False))
        for status, text in errors.items()
    }
    fields = {"token": TOKEN, **call.fields} if call.takes_token else call.fields
    required = ["token", *call.required] if call.takes_token else call.required
    return {
        "operationId": "post_" + call.path.strip("/").replace("/", "_"),
        "summary": call.summary,
        "tags": ["POST dialect"],
        "security": [],
        "requestBody": {"required": True, "content": json_content(shape(fields, required))},
        "responses": dict(sorted(responses.items())),
    }


def response(description: str, schema: Schema) -> Schema:
    return {"description": description, "content": json_content(schema)}


def json_content(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}
