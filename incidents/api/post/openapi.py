"""/incidents/ in the OpenAPI document."""

from api.post.openapi import ID, NOTHING, TIMESTAMP, Call, Schema, shape
from incidents.api.post import vocabulary
from incidents.api.post.fields import MAX_PAGE_SIZE
from incidents.models import Event
from incidents.validators import KEY_PATTERN, MAX_COMMENT_LENGTH, MAX_DESCRIPTION_LENGTH, MAX_KEY_LENGTH

STATUS: Schema = {"type": "string", "enum": list(vocabulary.POST_TO_STORED_STATUS)}
SOURCE: Schema = {"type": "string", "enum": list(vocabulary.POST_TO_STORED_SOURCE)}
CURSOR: Schema = {"type": "string", "nullable": True}
ITEM = shape(
    {"id": ID, "incident": {"type": "string"}, "status": STATUS, "source": SOURCE, "created_at": TIMESTAMP}
)
TEXT: Schema = {"type": "string"}
EVENT = shape(
    {
        "id": ID,
        "kind": {"type": "string", "enum": Event.Kind.values},
        "at": TIMESTAMP,
        "by": {"type": "string", "nullable": True},
        "door": {"type": "string", "enum": Event.Channel.values},
        "status_from": {"type": "string", "enum": [*vocabulary.POST_TO_STORED_STATUS, ""]},
        "status_to": STATUS,
        "comment": TEXT,
        "incident": ITEM,
    }
)

CALLS = [
    Call(
        "/incidents/create/",
        "Report an incident",
        fields={
            "incident": {"type": "string", "minLength": 1, "maxLength": MAX_DESCRIPTION_LENGTH},
            "source": SOURCE,
            "date": {**TIMESTAMP, "nullable": True, "description": "When it happened; now by default."},
            "idempotency_key": {
                "type": "string",
                "nullable": True,
                "pattern": f"^{KEY_PATTERN}$",
                "minLength": 1,
                "maxLength": MAX_KEY_LENGTH,
                "description": "The same key again makes no second incident.",
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
                    "events": {"type": "array", "items": EVENT},
                    "next": TEXT,
                    "more": {"type": "boolean"},
                }
            )
        },
        errors={410: "Cursor has expired, begin again"},
    ),
    Call(
        "/incidents/update/",
        "Set an incident's status",
        fields={
            "id": {"oneOf": [ID, {"type": "string", "pattern": "^[0-9]+$"}]},
            "status": STATUS,
            "comment": {"type": "string", "nullable": True, "maxLength": MAX_COMMENT_LENGTH},
        },
        required=["id", "status"],
        responses={200: NOTHING},
        errors={404: "Incident have not found"},
    ),
]
