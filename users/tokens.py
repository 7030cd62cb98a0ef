"""Tokens: issue one, find its user, revoke it.

A token is `inc_` and 32 random bytes in URL-safe base64. The database stores only its SHA-256: a leaked
database contains no usable token. A token ends at its expiry, with its user's deactivation or deletion, and
with any new password: its row has the fingerprint of the password's hash.
"""

import contextlib
import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, OperationalError, transaction
from django.utils import timezone

from common.datetimes import aware
from common.db.compiled import Given, select
from users.models import Token, User, fingerprint

PREFIX = "inc_"
SHAPE = re.compile(r"inc_[A-Za-z0-9_-]{43}", re.ASCII)
MAX_LIVE_LOGINS = 10
LAST_USED_PRECISION = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token. `secret` is stored nowhere."""

    secret: str
    expires_at: datetime


# The fields of the user that a call needs, in the order of the model.
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
    """Issue a token of TOKEN_TTL seconds; it ends the user's oldest one beyond ten from logins."""
    with transaction.atomic():
        # Parallel logins are serialized by this lock, so that each counts the tokens of the others.
        list(User.objects.select_for_update().filter(pk=user.pk).values_list("pk"))
        Token.objects.filter(expires_at__lte=timezone.now()).delete()
        older = Token.objects.filter(user=user, name="").order_by("-created_at")
        surplus = older.values_list("digest", flat=True)[MAX_LIVE_LOGINS - 1 :]
        Token.objects.filter(digest__in=list(surplus)).delete()
        return issue(user, lifetime=timedelta(seconds=settings.TOKEN_TTL))


def issue(user: User, *, lifetime: timedelta, name: str = "", issued_by: User | None = None) -> Issued:
    """Issue a token; `name` is that of the machine it is for."""
    secret = PREFIX + secrets.token_urlsafe(32)
    now = timezone.now()
    Token.objects.create(
        digest=digest(secret),
        user=user,
        name=name,
        issued_by=issued_by,
        fingerprint=fingerprint(user.password),
        created_at=now,
        expires_at=now + lifetime,
    )
    return Issued(secret, now + lifetime)


def user_of(secret: object) -> User | None:
    """Return the user of a live token: one query, and none for a value that cannot be a token.

    The user's other fields are deferred.
    """
    if not isinstance(secret, str) or not SHAPE.fullmatch(secret):
        return None
    key = digest(secret)
    rows = live.rows(digest=key)
    if not rows:
        return None
    expires_at, stored_fingerprint, name, last_used_at, *values = rows[0]
    user = User.from_db(DEFAULT_DB_ALIAS, USER_FIELDS, values)
    now = timezone.now()
    if aware(expires_at) <= now or stored_fingerprint != fingerprint(user.password):
        return None
    if name and (last_used_at is None or now - aware(last_used_at) > LAST_USED_PRECISION):
        store_last_use(key, now)
    return user


def revoke(secret: str) -> None:
    """Delete the token: the next call with it is refused."""
    with transaction.atomic():
        Token.objects.filter(digest=digest(secret)).delete()


def store_last_use(key: str, now: datetime) -> None:
    """Store when a machine's token was last used; the token of a login is short-lived."""
    # A call does not fail because the database is too busy for this.
    with contextlib.suppress(OperationalError), transaction.atomic():
        Token.objects.filter(digest=key).update(last_used_at=now)


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("ascii")).hexdigest()
