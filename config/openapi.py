"""The OpenAPI document of both dialects: hooks of drf-spectacular."""

from typing import Any

from api.post.openapi import json_content, operation, shape
from incidents.api.post.openapi import CALLS as INCIDENT_CALLS
from integrations.openapi import hook_paths
from users.api.post.openapi import CALLS as USER_CALLS

Document = dict[str, Any]

DETAIL = shape({"detail": {"type": "string"}})
FIELD_ERRORS = {"type": "object", "additionalProperties": {}}
ERRORS = {
    "400": ("A field or a filter is wrong", FIELD_ERRORS),
    "401": ("Neither a live token nor a session", DETAIL),
    "403": ("The role does not allow it", DETAIL),
    "404": ("There is no such incident or page", DETAIL),
    "406": ("No such format", DETAIL),
    "409": ("The idempotency key was used for another incident", DETAIL),
    "413": ("The body is too large", DETAIL),
    "415": ("No such media type", DETAIL),
    "503": ("The service is busy", DETAIL),
}


def add_error_responses(result: Document, **_context: Any) -> Document:
    """Add Django REST Framework's error answers to REST's calls."""
    for path, operations in result["paths"].items():
        if path.startswith(("/api/incidents/", "/api/events/")):
            for described in operations.values():
                for status, (text, schema) in ERRORS.items():
                    described["responses"].setdefault(
                        status, {"description": text, "content": json_content(schema)}
                    )
    return result


def add_post_dialect(result: Document, **_context: Any) -> Document:
    """Put the POST dialect's calls before REST's."""
    calls = {call.path: {"post": operation(call)} for call in (*USER_CALLS, *INCIDENT_CALLS)}
    return {**result, "paths": calls | result["paths"]}


def add_hooks(result: Document, **_context: Any) -> Document:
    """Put the hooks of monitoring systems behind all others."""
    return {**result, "paths": result["paths"] | hook_paths()}
