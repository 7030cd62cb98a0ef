"""An HTTP client that may be given addresses by people: it reaches no network that it should not.

    response = send("POST", "https://example.com/hook", headers, body, allowed=networks)

The address that is connected to is the address that was checked: the name is resolved once, every address
found has to be permitted, and TLS verifies the name. No redirect is followed, no proxy of the environment
used. A request ends by its deadline however slowly the other side sends, and reads at most `MAX_BYTES`.
A `proxy` resolves the name itself, so it is for hosts that the settings name.
"""

import base64
import contextlib
import io
import socket
import ssl
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import unquote, urlsplit

from django.utils.translation import gettext_noop

Network = IPv4Network | IPv6Network

DEADLINE = 20.0  # seconds
MAX_BYTES = 64 * 1024
USER_AGENT = "incident-tracking-api"
# `is_global` of Python 3.11 holds for these, through some of which private addresses are reached.
# The list is that of requests-hardened 1.3 (EXTRA_BLOCKED_NET_RANGES), with site-local, IPv4-compatible and
# IPv4-translated addresses.
SPECIAL = [
    ip_network(text)
    for text in (
        "100.64.0.0/10",
        "168.63.129.16/32",  # Azure's agent of virtual machines
        "192.0.0.0/24",
        "192.88.99.0/24",
        "::/96",
        "::ffff:0:0:0/96",
        "2001:20::/28",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "fec0::/10",
    )
]


class RequestFailed(Exception):
    """No response: what happened, in words without the URL, whose path may be a secret."""


class AddressRefused(RequestFailed):
    """The address is none that may be connected to."""


@dataclass(frozen=True, slots=True)
class Response:
    """`headers` by lower-case name; `body` is cut after `MAX_BYTES`."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def send(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    allowed: Collection[Network] = (),
    deadline: float = DEADLINE,
    proxy: str = "",
) -> Response:
    """Send a request and return the response, whatever its status. Raises `RequestFailed`."""
    end = time.monotonic() + deadline
    try:
        scheme, host, port, target = parsed(url)
        way = tunnelled(proxy, host, port, end) if proxy else connected(host, port, allowed, end)
        with contextlib.closing(way) as plain:
            plain.settimeout(left(end))
            wrapped = tls().wrap_socket(plain, server_hostname=host) if scheme == "https" else plain
            with contextlib.closing(wrapped) as sock:
                return exchanged(DeadlineSocket(sock, end), method, host, port, target, headers, body)
    except TimeoutError:
        raise RequestFailed(f"no response within {deadline:g} s") from None
    except ssl.SSLCertVerificationError as error:
        raise RequestFailed(f"the certificate is not valid: {error.verify_message}") from None
    except (OSError, HTTPException, UnicodeError) as error:
        raise RequestFailed(f"the connection failed: {error.__class__.__name__}: {error}") from None


def exchanged(
    sock: Any, method: str, host: str, port: int, target: str, headers: Mapping[str, str], body: bytes
) -> Response:
    connection = HTTPConnection(host, port)
    connection.sock = sock
    connection.request(method, target, body, {"User-Agent": USER_AGENT, "Connection": "close", **headers})
    with contextlib.closing(connection.getresponse()) as response:
        found = {name.lower(): value for name, value in response.getheaders()}
        return Response(response.status, found, response.read(MAX_BYTES))


def parsed(url: str) -> tuple[str, str, int, str]:
    """Return scheme, host, port, and what stands in the request line. Raises `AddressRefused`."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AddressRefused(f"the address is not valid: {error}") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise AddressRefused(gettext_noop("the address has to begin with http:// or https://"))
    if "@" in parts.netloc:
        raise AddressRefused(gettext_noop("an address must not contain a user name or a password"))
    if not url.isascii() or any(character <= " " for character in url):
        raise AddressRefused(gettext_noop("the address has characters that no URL has"))
    target = parts.path or "/"
    return (
        parts.scheme,
        parts.hostname,
        port or (443 if parts.scheme == "https" else 80),
        f"{target}?{parts.query}" if parts.query else target,
    )


def connected(host: str, port: int, allowed: Collection[Network], end: float) -> socket.socket:
    """Connect to the first address of the host that answers, if all of them are permitted."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise RequestFailed(f"the name {host} is not known") from None
    for *_kind, address in found:
        if not is_permitted(str(address[0]), allowed):
            raise AddressRefused(
                f"{host} is at the address {address[0]}, which is not public; the setting"
                " OUTBOUND_ALLOWED_NETWORKS may permit it"
            )
    problem: OSError = OSError("no address")
    for family, kind, protocol, _name, address in found:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(left(end))
            sock.connect(address)
        except OSError as error:
            sock.close()
            problem = error
        else:
            return sock
    raise problem


def proxy_address(url: str) -> tuple[str, int, str]:
    """Return host, port and the credentials in base64 of a proxy such as http://name:password@host:3128.

    Raises `ValueError`.
    """
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname or not parts.port:
        raise ValueError("write it as http://host:port or http://name:password@host:port")
    given = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}" if parts.username else ""
    return parts.hostname, parts.port, base64.b64encode(given.encode()).decode("ascii")


def tunnelled(proxy: str, host: str, port: int, end: float) -> socket.socket:
    """Connect through an HTTP proxy by CONNECT (RFC 9110, 9.3.6)."""
    proxy_host, proxy_port, credentials = proxy_address(proxy)
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
    if credentials:
        lines.append(f"Proxy-Authorization: Basic {credentials}")
    sock = socket.create_connection((proxy_host, proxy_port), timeout=left(end))
    with contextlib.ExitStack() as unless_connected:
        unless_connected.callback(sock.close)
        sock.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
        response = HTTPResponse(DeadlineSocket(sock, end), method="CONNECT")  # type: ignore[arg-type]
        response.begin()
        if response.status != HTTPStatus.OK:
            raise RequestFailed(f"the proxy responded with {response.status}")
        unless_connected.pop_all()
    return sock


def is_permitted(text: str, allowed: Collection[Network]) -> bool:
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if any(address in network for network in allowed):
        return True
    is_special = address.is_multicast or any(address in network for network in SPECIAL)
    return address.is_global and not is_special


def left(end: float) -> float:
    seconds = end - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


@cache
def tls() -> ssl.SSLContext:
    return ssl.create_default_context()


class DeadlineSocket:
    """What http.client uses of a socket; a socket's own timeout begins anew with each byte."""

    def __init__(self, sock: socket.socket, end: float) -> None:
        self.sock = sock
        self.end = end

    def sendall(self, data: bytes) -> None:
        self.sock.settimeout(left(self.end))
        self.sock.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(DeadlineReader(self.sock, self.end))

    def close(self) -> None:
        """Leave the socket open: http.client closes it before it has read the response."""


class DeadlineReader(io.RawIOBase):
    def __init__(self, sock: socket.socket, end: float) -> None:
        self.sock = sock
        self.end = end

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.sock.settimeout(left(self.end))
        return self.sock.recv_into(buffer)


def networks(texts: Collection[str]) -> Iterator[Network]:
    """Read networks such as 10.0.0.0/8, or single addresses. Raises `ValueError`."""
    for text in texts:
        yield ip_network(text)
