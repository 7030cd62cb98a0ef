"""Secrets of destinations at rest: a leaked backup speaks as nobody.

The key is derived from SECRET_KEY. What was encrypted under another one, as after a restore on another
machine, cannot be read: the secret has to be given anew.
"""

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

PURPOSE = b"integrations.outbound secrets"


class Unreadable(Exception):
    """The secret was encrypted under another SECRET_KEY."""


def encrypt(secret: str) -> str:
    return fernet().encrypt(secret.encode()).decode("ascii") if secret else ""


def decrypt(text: str) -> str:
    """Return the secret. Raises `Unreadable`."""
    from cryptography.fernet import InvalidToken

    if not text:
        return ""
    try:
        return fernet().decrypt(text.encode("ascii")).decode()
    except InvalidToken:
        raise Unreadable from None


def fernet() -> "Fernet":
    # Only the dispatcher and the page of destinations need it, not every worker.
    from cryptography.fernet import Fernet

    key = hmac.digest(settings.SECRET_KEY.encode(), PURPOSE, hashlib.sha256)
    return Fernet(base64.urlsafe_b64encode(key))
