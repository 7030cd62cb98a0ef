"""Limits on logins: on failed guesses, and on how many passwords are hashed at once.

An attempt is counted before its password is looked at: checking first and counting afterwards lets
parallel guesses through. Only a success gives its place back. The limits are by name at an address and
by address, never by a name alone, which would let anybody lock anybody out.
"""

import contextlib
import fcntl
import hashlib
import ipaddress
import math
import os
import threading
import time
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common import cpus
from common.locks import open_lock_file
from users.models import LoginAttempts

WINDOW = timedelta(minutes=5)
MAX_FOR_NAME_AT_ADDRESS = 5
MAX_FOR_ADDRESS = 50

# A hash takes a core for a third of a second: one core stays free for everybody else's calls,
# and most of a process's threads stay free of those who wait.
MAX_CONCURRENT_HASHES = max(1, cpus.available() - 1)
MAX_WAIT_SECONDS = 3.0
hashing_queue = threading.BoundedSemaphore(2)


class TooManyAttempts(ValidationError):
    """A login refused unseen; `retry_after` in seconds. Login forms show it as any form error."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(_("Too many attempts, try again later"), code="throttled")
        self.retry_after = math.ceil(retry_after)


@contextlib.contextmanager
def hashing_slot() -> Iterator[None]:
    """Hold one of this machine's places to hash a password, or raise `TooManyAttempts`."""
    if not hashing_queue.acquire(blocking=False):
        raise TooManyAttempts(1)
    try:
        with contextlib.ExitStack() as files:
            deadline = time.monotonic() + MAX_WAIT_SECONDS
            while not any(locks(files, slot) for slot in range(MAX_CONCURRENT_HASHES)):
                if time.monotonic() > deadline:
                    raise TooManyAttempts(1)
                time.sleep(0.01)
            yield
    finally:
        hashing_queue.release()


def locks(files: contextlib.ExitStack, slot: int) -> bool:
    file = files.enter_context(os.fdopen(open_lock_file(settings.DATA_DIR, f"hashing.{slot}"), "wb"))
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return False
    return True


class Attempt:
    """One login attempt under way: `reserve` it before looking, `succeed` afterwards."""

    def __init__(self, username: str, request: HttpRequest | None) -> None:
        address = network(request)
        self.for_name = key(username, address)
        self.for_address = key(address)

    def reserve(self) -> None:
        """Count the attempt. Raises `TooManyAttempts`."""
        reserve(self.for_address, MAX_FOR_ADDRESS)
        reserve(self.for_name, MAX_FOR_NAME_AT_ADDRESS)

    def succeed(self) -> None:
        """Forget the failures of this name here, and give the address its place back."""
        with transaction.atomic():
            LoginAttempts.objects.filter(key=self.for_name).delete()
            # Its place may be gone with the window that it was taken in.
            LoginAttempts.objects.filter(key=self.for_address, count__gt=0).update(count=F("count") - 1)


def reserve(for_key: str, most: int) -> None:
    attempts = LoginAttempts.objects.filter(key=for_key)
    with transaction.atomic():
        now = timezone.now()
        over = Q(window_ends_at__lte=now)
        # Begun before the clock was put right. One begun by a caller a moment ahead of this one is not.
        misdated = Q(window_ends_at__gt=now + 2 * WINDOW)
        LoginAttempts.objects.filter(over | misdated).delete()
        # PostgreSQL does not lock a row that is in the way of the new one: a success may delete it at once.
        counted = 0
        while not counted:
            LoginAttempts.objects.bulk_create(
                [LoginAttempts(key=for_key, count=0, window_ends_at=now + WINDOW)],
                ignore_conflicts=True,
            )
            counted = attempts.update(count=F("count") + 1)
        count, window_ends_at = attempts.values_list("count", "window_ends_at").get()
    if count > most:
        raise TooManyAttempts((window_ends_at - now).total_seconds())


def key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def network(request: HttpRequest | None) -> str:
    """Return the caller's address; of IPv6 its /64, within which one machine may change addresses at will."""
    address = client_address(request)
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if not isinstance(ip, ipaddress.IPv6Address):
        return address
    # An IPv4 client of a socket that listens on both stands in one /64 with all of its kind.
    return str(ip.ipv4_mapped or ipaddress.ip_network((int(ip), 64), strict=False))


def client_address(request: HttpRequest | None) -> str:
    """Return the peer's address, or the one that the outermost of TRUSTED_PROXIES proxies saw."""
    if request is None:
        return ""
    peer: str = request.META.get("REMOTE_ADDR", "")
    if not settings.TRUSTED_PROXIES:
        return peer
    chain = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    forwarded = chain[-settings.TRUSTED_PROXIES] if len(chain) >= settings.TRUSTED_PROXIES else ""
    return forwarded or peer
