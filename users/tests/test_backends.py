"""Every check of a password goes through the limits, and a login deletes expired sessions."""

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import aauthenticate, authenticate
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.sessions.models import Session
from django.test import RequestFactory, override_settings
from django.utils import timezone

from testing.clients import Post, token_of
from users import tokens
from users.hashing_queue import TooManyAttempts
from users.models import LoginAttempts, User
from users.tests.test_tokens import NextHasher
from users.throttle import MAX_FOR_NAME_AT_ADDRESS


def test_the_asynchronous_login_is_limited_too(olga: User, password: str) -> None:
    request = RequestFactory().post("/")
    right = {"username": "olga", "password": password}
    assert async_to_sync(aauthenticate)(request, **right) == olga
    for _guess in range(MAX_FOR_NAME_AT_ADDRESS):
        assert async_to_sync(aauthenticate)(request, username="olga", password="wrong") is None
    assert LoginAttempts.objects.exists()
    with pytest.raises(TooManyAttempts):
        async_to_sync(aauthenticate)(request, **right)


def test_the_asynchronous_check_of_a_password_keeps_the_tokens_alive(olga: User, password: str) -> None:
    secret = token_of(olga)
    hashers = [f"{hasher.__module__}.{hasher.__name__}" for hasher in (NextHasher, MD5PasswordHasher)]
    with override_settings(PASSWORD_HASHERS=hashers):
        assert async_to_sync(olga.acheck_password)(password)
    assert User.objects.get().password.startswith("next$")
    assert tokens.user_of(secret) == olga


def test_a_login_deletes_expired_sessions(post: Post, olga: User, password: str) -> None:
    now = timezone.now()
    for key, expires in {"expired": now - timedelta(seconds=1), "alive": now + timedelta(hours=1)}.items():
        Session.objects.create(session_key=key, session_data="", expire_date=expires)
    authenticate(RequestFactory().post("/"), username="olga", password="wrong")
    assert Session.objects.count() == 2
    authenticate(RequestFactory().post("/"), username="olga", password=password)
    assert Session.objects.get().session_key == "alive"
