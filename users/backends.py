"""The one way in by password: the API, the admin's form and the browsable pages all come through here."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from users.models import User
from users.throttle import Attempt, hashing_slot

MAX_USERNAME_LENGTH = User._meta.get_field("username").max_length or 0


class ThrottledBackend(ModelBackend):
    """Django's own check of a password, within the limits of users.throttle.

    Raises `TooManyAttempts`, a ValidationError, which a login form shows as its error.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        if not username or password is None or not possible(username, password):
            return None
        with hashing_slot():
            attempt = Attempt(username, request)
            attempt.reserve()
            user = super().authenticate(request, username=username, password=password)
        if isinstance(user, User):
            attempt.succeed()
            return user
        return None


def possible(username: str, password: str) -> bool:
    # PBKDF2 pads its key with zeros: a password and the same with a NUL behind it would be one.
    return len(username) <= MAX_USERNAME_LENGTH and "\0" not in username + password
