"""Where senders put the token of an integration."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

TOKEN = re.compile(r"[A-Za-z0-9]{32}", re.ASCII)
# Whether the body is JSON, JSON in JSON or a form, of which the last two escape what is between.
ROUTING_KEY = re.compile(
    rb"routing_key(?:%[0-9A-Fa-f]{2}|[^0-9A-Za-z]){1,20}([0-9A-Za-z]{32})(?![0-9A-Za-z])"
)


@dataclass(frozen=True, kw_only=True)
class TokenSources:
    """The parts of a request that can hold a token; `payload` is the decoded body of a PagerDuty event."""

    authorization: str = ""
    api_key: str = ""
    query: str = ""
    path: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)


def find_tokens(sources: TokenSources) -> tuple[str, ...]:
    """Return all that has the shape of a token, 32 letters and digits, without repetition.

    More than one is normal: a proxy adds its own Authorization. The order is that of Authorization,
    X-Api-Key, query, path and routing_key.
    """
    return tuple(dict.fromkeys(text for text in candidates(sources) if TOKEN.fullmatch(text)))


def candidates(sources: TokenSources) -> Iterator[str]:
    scheme, _, credentials = sources.authorization.strip().partition(" ")
    if scheme.lower() == "basic":
        yield basic_password(credentials)
    else:
        yield credentials.strip()  # Grafana lets its users choose the scheme.
    yield sources.api_key.strip()
    yield from parse_qs(sources.query).get("token", [])
    yield sources.path
    routing_key = sources.payload.get("routing_key")
    if isinstance(routing_key, str):
        yield routing_key.strip()


def routing_keys_in(body: bytes) -> list[str]:
    """Return what may be the routing_key of a PagerDuty event, without decoding the body for a stranger."""
    return [found.decode() for found in ROUTING_KEY.findall(body)]


def basic_password(credentials: str) -> str:
    try:
        decoded = base64.b64decode(credentials.strip(), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
    return decoded.partition(":")[2]
