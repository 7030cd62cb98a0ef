"""Limits on logins: on failed guesses, and on how many passwords are hashed at once.

An attempt is counted before its password is checked: to check first and count afterwards would let parallel
guesses pass. Only a success takes its count back. The limits are by name at an address and by address, never
by a name alone, with which anybody could lock anybody out.

Hashing is slow on purpose, so guesses compete for it with right passwords. Every process has one place in the
queue for each degree of trust, and a login takes a place of its own degree or of a lower one: guesses from
networks with failures fill only the last place, those from new networks the last two.
"""

import contextlib
import enum
import fcntl
import hashlib
import ipaddress
import math
import os
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import IO

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common import cpus
from common.locks import open_lock_file
from users.models import KnownLogin, LoginAttempts

WINDOW = timedelta(minutes=5)
MAX_FOR_NAME_AT_ADDRESS = 5
MAX_FOR_ADDRESS = 50
KNOWN_FOR = timedelta(days=30)

# A hash takes a core for a third of a second: one core stays free for all other calls.
MAX_CONCURRENT_HASHES = max(1, cpus.available() - 1)
MAX_WAIT_SECONDS = 3.0


class Trust(enum.IntEnum):
    """What is known of the network from which somebody logs in."""

    FAILED = 0  # failures in this window
    NEW = 1
    KNOWN = 2  # this name has logged in from there


# Together fewer than a worker's four threads. The places are those of this process.
hashing_queue = [threading.BoundedSemaphore(1) for _trust in Trust]
# Seconds between two looks whether another process has finished: the more often, the sooner it is its turn.
POLL_SECONDS = {Trust.FAILED: 0.05, Trust.NEW: 0.01, Trust.KNOWN: 0.002}


class TooManyAttempts(ValidationError):
    """A login rejected before the password is checked; `retry_after` is in seconds. Forms show it."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(_("Too many attempts, try again later"), code="throttled")
        self.retry_after = math.ceil(retry_after)


@contextlib.contextmanager
def hashing_slot(trust: Trust) -> Iterator[None]:
    """Hold one of this machine's slots to hash a password, or raise `TooManyAttempts`."""
    for place in reversed(hashing_queue[: trust + 1]):
        if place.acquire(blocking=False):
            break
    else:
        raise TooManyAttempts(1)
    try:
        with contextlib.ExitStack() as stack:
            names = [f"hashing.{slot}" for slot in range(MAX_CONCURRENT_HASHES)]
            descriptors = [open_lock_file(settings.DATA_DIR, name) for name in names]
            files = [stack.enter_context(os.fdopen(descriptor, "wb")) for descriptor in descriptors]
            deadline = time.monotonic() + MAX_WAIT_SECONDS
            while not any(map(lock, files)):
                if time.monotonic() > deadline:
                    raise TooManyAttempts(1)
                time.sleep(POLL_SECONDS[trust])
            yield
    finally:
        place.release()


def lock(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Attempt:
    """One login attempt: `check` it, `reserve` it before the password is checked, `succeed` afterwards."""

    def __init__(self, username: str, request: HttpRequest | None) -> None:
        address = client_address(request)
        network = widened(address, ipv4_prefix=24, ipv6_prefix=48)
        # Within a /64 one machine may change its addresses at will.
        address = widened(address, ipv4_prefix=32, ipv6_prefix=64)
        self.for_name = key(username, address)
        self.for_address = key(address)
        self.for_network = key("", network)
        self.known = key(username, network)

    def check(self) -> Trust:
        """Return the trust in the caller, by reads alone. Raises `TooManyAttempts`."""
        now = timezone.now()
        rows = LoginAttempts.objects.filter(
            key__in=[self.for_name, self.for_address, self.for_network], window_ends_at__gt=now
        )
        counts = {key: (count, ends_at) for key, count, ends_at in rows.values_list()}
        limits = {self.for_address: MAX_FOR_ADDRESS, self.for_name: MAX_FOR_NAME_AT_ADDRESS}
        for limited, limit in limits.items():
            count, ends_at = counts.get(limited, (0, now))
            if count >= limit:
                raise TooManyAttempts((ends_at - now).total_seconds())
        if KnownLogin.objects.filter(key=self.known, expires_at__gt=now).exists():
            return Trust.KNOWN
        failures, _ends_at = counts.get(self.for_network, (0, now))
        return Trust.FAILED if failures else Trust.NEW

    def reserve(self) -> None:
        """Count the attempt. Raises `TooManyAttempts`."""
        reserve(self.for_network, math.inf)
        reserve(self.for_address, MAX_FOR_ADDRESS)
        reserve(self.for_name, MAX_FOR_NAME_AT_ADDRESS)

    def succeed(self) -> None:
        """Delete the failures of this name here, and take back the count of the address and the network."""
        now = timezone.now()
        with transaction.atomic():
            LoginAttempts.objects.filter(key=self.for_name).delete()
            # The row may have been deleted with its window.
            taken = LoginAttempts.objects.filter(key__in=[self.for_address, self.for_network], count__gt=0)
            taken.update(count=F("count") - 1)
            KnownLogin.objects.filter(expires_at__lte=now).delete()
            KnownLogin.objects.bulk_create(
                [KnownLogin(key=self.known, expires_at=now + KNOWN_FOR)],
                update_conflicts=True,
                unique_fields=["key"],
                update_fields=["expires_at"],
            )


def reserve(for_key: str, limit: float) -> None:
    attempts = LoginAttempts.objects.filter(key=for_key)
    with transaction.atomic():
        now = timezone.now()
        over = Q(window_ends_at__lte=now)
        # Of a clock that was corrected since; a parallel caller's clock differs by less.
        misdated = Q(window_ends_at__gt=now + 2 * WINDOW)
        LoginAttempts.objects.filter(over | misdated).delete()
        # PostgreSQL does not lock a conflicting row: a parallel success may delete it before the update.
        counted = 0
        while not counted:
            LoginAttempts.objects.bulk_create(
                [LoginAttempts(key=for_key, count=0, window_ends_at=now + WINDOW)],
                ignore_conflicts=True,
            )
            counted = attempts.update(count=F("count") + 1)
        count, window_ends_at = attempts.values_list("count", "window_ends_at").get()
    if count > limit:
        raise TooManyAttempts((window_ends_at - now).total_seconds())


def key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def client_address(request: HttpRequest | None) -> str:
    """Return the peer's address, or the one that the outermost of TRUSTED_PROXIES proxies saw."""
    if request is None:
        return ""
    peer: str = request.META.get("REMOTE_ADDR", "")
    if not settings.TRUSTED_PROXIES:
        return peer
    chain = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    forwarded = chain[-settings.TRUSTED_PROXIES] if len(chain) >= settings.TRUSTED_PROXIES else ""
    return plain_address(forwarded) or peer


def plain_address(forwarded: str) -> str:
    """Return the IP address in an entry of X-Forwarded-For, "" if there is none.

    Azure Application Gateway and IIS ARR add the port, 192.0.2.1:5678 or [2001:db8::1]:5678.
    """
    text = forwarded.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return ""


def widened(address: str, *, ipv4_prefix: int, ipv6_prefix: int) -> str:
    """Return the network of the address, or the text itself if it is no IP address."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    # An IPv4 client of a dual-stack socket: all of them share one /64.
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    prefix = ipv4_prefix if ip.version == 4 else ipv6_prefix  # noqa: PLR2004
    return str(ipaddress.ip_network(f"{ip}/{prefix}", strict=False))
