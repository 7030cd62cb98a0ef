"""The user of a REST call, by its bearer token."""

from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from users import tokens
from users.models import User


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer TOKEN` with the token of /users/authorization/."""

    def authenticate(self, request: Request) -> tuple[User, str] | None:
        scheme, _space, credentials = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        secret = credentials.strip()
        user = tokens.user_of(secret)
        if user is None:
            raise AuthenticationFailed(_("Invalid token, get a new one from POST /users/authorization/."))
        return user, secret

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
