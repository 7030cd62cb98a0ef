"""The host names under which the service answers.

The setting HOST_NAMES lists them; without any, the service answers under this machine's names and every
plain IP address. A request that names the service by its address cannot come from a rebound DNS name, which
is the attack that Django's ALLOWED_HOSTS is there for; that one has no pattern for "any address".
"""

import functools
import ipaddress
import socket
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponseBase
from django.http.request import split_domain_port, validate_host


class HostMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        check(request)
        return self.get_response(request)


def check(request: HttpRequest) -> None:
    """Raise `DisallowedHost` where the request names the service as nobody may."""
    host = request.META.get("HTTP_HOST")
    if not allows(host):
        raise DisallowedHost(f"Unknown host {host!r}")


def allows(host: str | None) -> bool:
    """Tell whether the service answers under the header `Host`, None where a request has none."""
    return host is None or is_listed(host, tuple(settings.HOST_NAMES))


# It takes a while, and clients say the same few names.
@functools.lru_cache(maxsize=256)
def is_listed(host: str, names: tuple[str, ...]) -> bool:
    domain, _port = split_domain_port(host)
    if names:
        # The service's own health check asks for 127.0.0.1, whatever else is listed.
        return validate_host(domain, [*names, "127.0.0.1"])
    return is_ip_address(domain) or validate_host(domain, this_machine())


def is_ip_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def this_machine() -> list[str]:
    return ["localhost", ".localhost", socket.gethostname().lower()]


def url_on_this_machine(host: str, port: int) -> str:
    """Return the URL at which a browser on this machine opens a service that listens on `host`."""
    # Nobody can open the addresses that stand for every address.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def public_url(request: HttpRequest) -> str:
    """Return the service's URL for links that leave it: the setting PUBLIC_URL, or as the request came."""
    return settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")
