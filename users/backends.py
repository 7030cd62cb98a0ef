"""The only check of a password: the API, the login forms of the page and the administration all call it."""

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.backends import ModelBackend
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest

from users.hashing_queue import hashing_slot
from users.models import User
from users.throttle import Attempt

MAX_USERNAME_LENGTH = User._meta.get_field("username").max_length or 0


class ThrottledBackend(ModelBackend):
    """Django's own check of a password, within the limits of users.throttle and users.hashing_queue.

    Raises `TooManyAttempts`, a ValidationError, which a login form shows as its error.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        if not username or password is None or not is_possible(username, password):
            return None
        attempt = Attempt(username, request)
        with hashing_slot(attempt.enter_queue(), attempt.known):
            attempt.reserve()
            user = super().authenticate(request, username=username, password=password)
        if not isinstance(user, User):
            return None
        attempt.succeed()
        # Django leaves this to a scheduled `clearsessions`. As many rows as logins add, logins delete.
        SessionStore.clear_expired()
        return user

    async def aauthenticate(self, request: HttpRequest | None, *args: Any, **kwargs: Any) -> User | None:
        return await sync_to_async(self.authenticate)(request, *args, **kwargs)


def is_possible(username: str, password: str) -> bool:
    # PBKDF2 pads its key with zeros: a password and the same with a NUL appended would be equal.
    return len(username) <= MAX_USERNAME_LENGTH and "\0" not in username + password
