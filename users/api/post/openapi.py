"""/users/ and the bearer token in the OpenAPI document."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from api.post.openapi import MOMENT, NOTHING, Call, Schema, shape

TEXT = {"type": "string"}

CALLS = [
    Call(
        "/users/authorization/",
        "Get a token",
        fields={"username": TEXT, "password": {"type": "string", "format": "password"}},
        required=["username", "password"],
        answers={200: shape({"token": TEXT, "expires_at": MOMENT})},
        errors={401: "Invalid credentials", 429: "Too many attempts, try again later"},
        takes_token=False,
    ),
    Call(
        "/users/logout/",
        "End a token",
        fields={},
        required=[],
        answers={200: NOTHING},
    ),
]


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # it registers itself
    target_class = "users.api.rest.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: object) -> Schema:
        return {"type": "http", "scheme": "bearer", "description": "From /users/authorization/."}
