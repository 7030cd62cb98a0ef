"""The writers of integrations.

    token = services.connect(Integration(name="Prometheus", kind=Kind.ALERTMANAGER))

The token is shown once: only its SHA-256 is stored.

Errors:

    ConnectionProblem
    ├── InvalidName    the name is blank, too long or has control characters
    └── NameTaken      an integration or a user has the name
"""

import secrets
import string
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from incidents.validators import has_forbidden_characters
from integrations.models import MAX_NAME_LENGTH, Integration
from users.models import User
from users.roles import Role
from users.tokens import digest

# PagerDuty's clients check that a routing key has 32 characters; log₂ 62 of each make 190 bits.
TOKEN_LENGTH = 32
TOKEN_ALPHABET = string.ascii_letters + string.digits
# What an administrator decides; the kind stays, as payloads of another sender would not be understood.
CHOICES = (
    *("source", "enabled", "grouping", "severities"),
    *("reopen_minutes", "stale_minutes", "resolves_stale"),
)
ROTATION_OVERLAP = timedelta(hours=24)


class ConnectionProblem(Exception):
    """Why an integration cannot be made or changed, in the administrator's language."""


class InvalidName(ConnectionProblem):
    pass


class NameTaken(ConnectionProblem):
    pass


def connect(integration: Integration) -> str:
    """Store a new integration and the user that reports for it, and return its token.

    Raises `InvalidName` and `NameTaken`.
    """
    integration.name = checked_name(integration.name)
    token = new_token()
    try:
        with transaction.atomic():
            # Without a usable password nobody logs in as a monitoring system.
            integration.user = User.objects.create_user(integration.name, role=Role.REPORTER)
            integration.token_digest = digest(token)
            integration.save(force_insert=True)
    except IntegrityError:
        raise name_taken(integration.name) from None
    return token


def save(integration: Integration) -> None:
    """Store what an administrator has chosen; a new name is its user's, too.

    Raises `InvalidName` and `NameTaken`.
    """
    integration.name = checked_name(integration.name)
    try:
        with transaction.atomic():
            User.objects.filter(pk=integration.user_id).update(username=integration.name)
            integration.save(update_fields=["name", *CHOICES])
    except IntegrityError:
        raise name_taken(integration.name) from None


def rotate(integration: Integration) -> str:
    """Give the integration a new token and return it; the present one is valid for 24 hours more."""
    token = new_token()
    with transaction.atomic():
        locked = Integration.objects.select_for_update().get(pk=integration.pk)
        locked.previous_digest = locked.token_digest
        locked.previous_valid_until = timezone.now() + ROTATION_OVERLAP
        locked.token_digest = digest(token)
        locked.save(update_fields=["token_digest", "previous_digest", "previous_valid_until"])
    return token


def checked_name(name: str) -> str:
    name = User.normalize_username(name.strip())
    if not name:
        raise InvalidName(_("The name is blank."))
    if len(name) > MAX_NAME_LENGTH:
        raise InvalidName(_("The name is too long, use at most %d characters.") % MAX_NAME_LENGTH)
    if has_forbidden_characters(name) or len(name.splitlines()) > 1:
        raise InvalidName(_("The name has line breaks or control characters."))
    return name


def check_is_free(name: str) -> None:
    """Raise `NameTaken` if a user has the name; each integration has one."""
    if User.objects.filter(username=name).exists():
        raise name_taken(name)


def name_taken(name: str) -> NameTaken:
    return NameTaken(_("The name “%s” is taken by a user or another connection.") % name)


def new_token() -> str:
    return "".join(secrets.choice(TOKEN_ALPHABET) for _ in range(TOKEN_LENGTH))
