"""The host names under which the service answers."""

import functools
import ipaddress
import socket
from typing import Self


class AnyIPAddress(str):
    """A pattern for ALLOWED_HOSTS that is equal to every plain IP address.

    Django compares a request's host with each pattern by `==`. A request that names the service by its
    address cannot come from a rebound DNS name, which is the attack that ALLOWED_HOSTS is there for.
    """

    __slots__ = ()

    def __new__(cls) -> Self:
        return super().__new__(cls, "any plain IP address")

    def lower(self) -> Self:
        return self

    def __eq__(self, host: object) -> bool:
        return is_ip_address(str(host))

    __hash__ = str.__hash__


@functools.lru_cache(maxsize=256)
def is_ip_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def this_machine() -> list[str]:
    """List every plain IP address, which scripts mostly say, and this machine's names."""
    return [AnyIPAddress(), "localhost", ".localhost", socket.gethostname().lower()]


def url_on_this_machine(host: str, port: int) -> str:
    """Return the URL at which a browser on this machine opens a service that listens on `host`."""
    # Nobody can open the addresses that stand for every address.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
