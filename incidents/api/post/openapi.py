"""/incidents/ in the OpenAPI document."""

from api.post.openapi import ID, NOTHING, TIMESTAMP, Call, Schema, shape
from incidents.api.post import vocabulary
from incidents.api.post.fields import MAX_PAGE_SIZE
from incidents.models import Event
from incidents.severity import Severity
from incidents.validators import (
    KEY_PATTERN,
    MAX_COMMENT_LENGTH,
    MAX_DEDUP_KEY_LENGTH,
    MAX_DESCRIPTION_LENGTH,
    MAX_KEY_LENGTH,
)

STATUS: Schema = {"type": "string", "enum": list(vocabulary.POST_TO_STORED_STATUS)}
SOURCE: Schema = {"type": "string", "enum": list(vocabulary.POST_TO_STORED_SOURCE)}
CURSOR: Schema = {"type": "string", "nullable": True}
TEXT: Schema = {"type": "string"}
NAME: Schema = {"type": "string", "nullable": True}
SEVERITY: Schema = {"type": "string", "nullable": True, "enum": [*Severity.values, None]}
ITEM_FIELDS: dict[str, Schema] = {
    "id": ID,
    "incident": TEXT,
    "status": STATUS,
    "source": SOURCE,
    "created_at": TIMESTAMP,
    "severity": SEVERITY,
    "assignee": NAME,
    "dedup_key": {**NAME, "maxLength": MAX_DEDUP_KEY_LENGTH},
    "repeats": {"type": "integer", "minimum": 0},
    "last_seen_at": {**TIMESTAMP, "nullable": True},
}
ITEM = shape(ITEM_FIELDS)
EVENT_FIELDS: dict[str, Schema] = {
    "id": ID,
    "kind": {"type": "string", "enum": Event.Kind.values},
    "at": TIMESTAMP,
    "by": NAME,
    "door": {"type": "string", "enum": Event.Channel.values},
    "status_from": {"type": "string", "enum": [*vocabulary.POST_TO_STORED_STATUS, ""]},
    "status_to": STATUS,
    "comment": TEXT,
    "severity": SEVERITY,
    "assignee": NAME,
}
INCIDENT = shape(
    {**ITEM_FIELDS, "updated_at": TIMESTAMP, "history": {"type": "array", "items": shape(EVENT_FIELDS)}}
)
ID_OR_DIGITS: Schema = {"oneOf": [ID, {"type": "string", "pattern": "^[0-9]+$"}]}
IDEMPOTENCY_KEY: Schema = {
    "type": "string",
    "nullable": True,
    "pattern": f"^{KEY_PATTERN}$",
    "minLength": 1,
    "maxLength": MAX_KEY_LENGTH,
}
DEDUP_KEY: Schema = {
    "type": "string",
    "nullable": True,
    "minLength": 1,
    "description": "The caller's own name for what is wrong; of one that is longer than"
    f" {MAX_DEDUP_KEY_LENGTH} characters its SHA-256 is stored.",
}
KEY_FOR_ID: Schema = {
    **DEDUP_KEY,
    "description": "Instead of `id`: the key of the unfinished incident that the caller has reported.",
}

CALLS = [
    Call(
        "/incidents/create/",
        "Report an incident",
        fields={
            "incident": {"type": "string", "minLength": 1, "maxLength": MAX_DESCRIPTION_LENGTH},
            "source": SOURCE,
            "date": {**TIMESTAMP, "nullable": True, "description": "When it happened; now by default."},
            "idempotency_key": {
                **IDEMPOTENCY_KEY,
                "description": "The same key again makes no second incident.",
            },
            "severity": SEVERITY,
            "dedup_key": {
                **DEDUP_KEY,
                "description": f"{DEDUP_KEY['description']} While an incident of the caller with this key is"
                " unfinished, it counts a repeat, and no second one is made.",
            },
        },
        required=["incident", "source"],
        responses={
            201: shape({"id": ID, "created": {"type": "boolean", "enum": [True]}}),
            200: shape({"id": ID, "created": {"type": "boolean", "enum": [False]}}),
        },
        errors={409: "Idempotency key was used for another incident"},
    ),
    Call(
        "/incidents/get_all/",
        "List incidents, newest first",
        fields={
            "status": {**STATUS, "nullable": True, "enum": [*vocabulary.POST_TO_STORED_STATUS, None]},
            "limit": {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "nullable": True},
            "cursor": {**CURSOR, "description": "The `next` of an earlier response."},
            "severity": SEVERITY,
            "source": {**SOURCE, "nullable": True, "enum": [*vocabulary.POST_TO_STORED_SOURCE, None]},
            "assignee": {**NAME, "description": "A username, `me`, or `none` for what nobody has."},
        },
        required=[],
        responses={
            200: shape(
                {"incidents": {"type": "array", "items": ITEM}, "next": CURSOR}, required=["incidents"]
            )
        },
        errors={404: "Incidents have not found"},
    ),
    Call(
        "/incidents/get/",
        "Show an incident with its history, oldest first",
        fields={"id": {**ID_OR_DIGITS, "nullable": True}, "dedup_key": KEY_FOR_ID},
        required=[],
        responses={200: shape({"incident": INCIDENT})},
        errors={404: "Incident have not found"},
    ),
    Call(
        "/incidents/events/",
        "Follow what happens, oldest first",
        fields={
            "after": {
                **CURSOR,
                "description": "The `next` of an earlier response, or `now` for what comes; without it all"
                " from the beginning.",
            },
            "limit": {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "nullable": True},
        },
        required=[],
        responses={
            200: shape(
                {
                    "events": {"type": "array", "items": shape({**EVENT_FIELDS, "incident": ITEM})},
                    "next": TEXT,
                    "more": {"type": "boolean"},
                }
            )
        },
        errors={410: "Cursor has expired, begin again"},
    ),
    Call(
        "/incidents/update/",
        "Set an incident's status, severity and assignee, or comment it",
        fields={
            "id": {**ID_OR_DIGITS, "nullable": True},
            "dedup_key": KEY_FOR_ID,
            "status": {
                **STATUS,
                "nullable": True,
                "enum": [*vocabulary.POST_TO_STORED_STATUS, None],
                "description": "May be left out beside comment, severity or assignee.",
            },
            "comment": {"type": "string", "nullable": True, "maxLength": MAX_COMMENT_LENGTH},
            "severity": {**SEVERITY, "description": "null clears it."},
            "assignee": {**NAME, "description": "Who is to have the incident; null gives it back."},
            "idempotency_key": {**IDEMPOTENCY_KEY, "description": "The same key again changes nothing."},
        },
        required=[],
        responses={200: NOTHING},
        errors={
            404: "Incident have not found",
            409: "Another incident with its dedup key is active, or the incident has too many events",
        },
    ),
]
