"""Limits on failed logins, by name at an address, by address and by network.

An attempt is counted before its password is checked: to check first and count afterwards would let parallel
guesses pass. Only a success takes its count back. There is no limit by a name alone, with which anybody could
lock anybody out.
"""

import hashlib
import ipaddress
import math
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.http import HttpRequest
from django.utils import timezone

from users.hashing_queue import MAX_NEW_ATTEMPTS, TooManyAttempts, Trust, first_attempts, first_logins
from users.models import KnownLogin, LoginAttempts

WINDOW = timedelta(minutes=5)
MAX_FOR_NAME_AT_ADDRESS = 5
MAX_FOR_ADDRESS = 50
MAX_FOR_NETWORK = 250  # of those where the name has not logged in before
KNOWN_FOR = timedelta(days=30)


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
        is_known = KnownLogin.objects.filter(key=self.known, expires_at__gt=now).exists()
        limits = {self.for_address: MAX_FOR_ADDRESS, self.for_name: MAX_FOR_NAME_AT_ADDRESS}
        if not is_known:
            limits[self.for_network] = MAX_FOR_NETWORK
        for limited, limit in limits.items():
            count, ends_at = counts.get(limited, (0, now))
            if count >= limit:
                raise TooManyAttempts((ends_at - now).total_seconds())
        if is_known:
            return Trust.KNOWN
        failures, _ends_at = counts.get(self.for_network, (0, now))
        return Trust.NEW if failures < MAX_NEW_ATTEMPTS else Trust.FAILED

    def enter_queue(self) -> Trust:
        """Return the degree of trust for the hashing queue. Raises `TooManyAttempts`.

        A network is new for three attempts, those included that the queue refuses, and a name is known there
        for ten in five minutes.
        """
        trust = self.check()
        if trust == Trust.NEW and not first_attempts.add(self.for_network):
            return Trust.FAILED
        if trust == Trust.KNOWN and not first_logins.add(self.known):
            return Trust.FAILED
        return trust

    def reserve(self) -> None:
        """Count the attempt. Raises `TooManyAttempts`."""
        reserve(self.for_network, math.inf)
        reserve(self.for_address, MAX_FOR_ADDRESS)
        reserve(self.for_name, MAX_FOR_NAME_AT_ADDRESS)

    def succeed(self) -> None:
        """Delete the failures of this name here, and take back the count of the address and the network."""
        first_attempts.discard(self.for_network)
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
