"""/users/ in the OpenAPI document."""

from api.post.openapi import NOTHING, TIMESTAMP, Call, shape

TEXT = {"type": "string"}

CALLS = [
    Call(
        "/users/authorization/",
        "Get a token",
        fields={"username": TEXT, "password": {"type": "string", "format": "password"}},
        required=["username", "password"],
        responses={200: shape({"token": TEXT, "expires_at": TIMESTAMP})},
        errors={401: "Invalid credentials", 429: "Too many attempts, try again later"},
        takes_token=False,
    ),
    Call(
        "/users/logout/",
        "End a token",
        fields={},
        required=[],
        responses={200: NOTHING},
    ),
]
