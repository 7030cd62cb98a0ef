"""Tokens: issue one, find whose it is, revoke it.

A token is `inc_` and 32 random bytes in URL-safe base64. The database keeps only its SHA-256, so
reading the database lets nobody in. A token dies with its time, its user's deactivation or deletion, and
any new password: it carries the fingerprint of the password's hash.
"""

import contextlib
import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, OperationalError
from django.utils import timezone

from common.datetimes import aware
from common.db.compiled import Given, select
from common.db.transactions import write_transaction
from users.models import Token, User, fingerprint

PREFIX = "inc_"
SHAPE = re.compile(r"inc_[A-Za-z0-9_-]{43}", re.ASCII)
MAX_LIVE_LOGINS = 10
LAST_USED_PRECISION = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token. `secret` is known only here and now."""

    secret: str
    expires_at: datetime


# What a call needs to know of its user, in the order of the model's fields.
USER_FIELDS = ("id", "password", "is_superuser", "username", "role")

live = select(
    lambda: Token.objects.filter(digest=Given("digest", Token), user__is_active=True).values_list(
        "expires_at",
        "fingerprint",
        "name",
        "last_used_at",
        *(f"user__{field}" for field in USER_FIELDS),
    )
)


def issue_for_login(user: User) -> Issued:
    """Issue a token of TOKEN_TTL seconds; beyond ten live ones of the user the oldest dies."""
    with write_transaction():
        # Logins at once wait for each other: each must see those before it to count them.
        list(User.objects.select_for_update().filter(pk=user.pk).values_list("pk"))
        Token.objects.filter(expires_at__lte=timezone.now()).delete()
        older = Token.objects.filter(user=user, name="").order_by("-created_at")
        surplus = older.values_list("digest", flat=True)[MAX_LIVE_LOGINS - 1 :]
        Token.objects.filter(digest__in=list(surplus)).delete()
        return issue(user, lifetime=timedelta(seconds=settings.TOKEN_TTL))


def issue(user: User, *, lifetime: timedelta, name: str = "") -> Issued:
    """Issue a token; `name` tells which machine it is for."""
    secret = PREFIX + secrets.token_urlsafe(32)
    now = timezone.now()
    Token.objects.create(
        digest=digest(secret),
        user=user,
        name=name,
        fingerprint=fingerprint(user.password),
        created_at=now,
        expires_at=now + lifetime,
    )
    return Issued(secret, now + lifetime)


def user_of(secret: object) -> User | None:
    """Find whose live token this is: one query, and none for what cannot be a token.

    The user's further fields are loaded when they are asked for.
    """
    if not isinstance(secret, str) or not SHAPE.fullmatch(secret):
        return None
    key = digest(secret)
    rows = live.rows(digest=key)
    if not rows:
        return None
    expires_at, mark, name, last_used_at, *values = rows[0]
    user = User.from_db(DEFAULT_DB_ALIAS, USER_FIELDS, values)
    now = timezone.now()
    if aware(expires_at) <= now or mark != fingerprint(user.password):
        return None
    if name and (last_used_at is None or now - aware(last_used_at) > LAST_USED_PRECISION):
        note_use(key, now)
    return user


def revoke(secret: str) -> None:
    """Kill the token: it is dead from the next call on."""
    with write_transaction():
        Token.objects.filter(digest=digest(secret)).delete()


def note_use(key: str, now: datetime) -> None:
    """Note when a machine's token was last used; a login's token lives too short to ask."""
    # Nobody's call fails because the database is too busy for this note.
    with contextlib.suppress(OperationalError), write_transaction():
        Token.objects.filter(digest=key).update(last_used_at=now)


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("ascii")).hexdigest()
