"""Grafana's optional signature of a post: HMAC-SHA256 in lower-case hex, keyed with the connection's token.

Signed is the raw body, or `TIMESTAMP:` and the raw body where the contact point names a header for the
timestamp (seconds since 1970). https://github.com/grafana/alerting/blob/main/http/hmac.go
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime

from integrations.responses import Refusal

SIGNATURE, TIMESTAMP = "X-Grafana-Alerting-Signature", "X-Grafana-Alerting-Timestamp"
MAX_AGE_SECONDS = 300


def check(headers: Mapping[str, str], body: bytes, tokens: Iterable[str], now: datetime) -> None:
    """Refuse a post whose signature is wrong or old; one without a signature has its token alone."""
    given, timestamp = headers.get(SIGNATURE), headers.get(TIMESTAMP)
    if given is None:
        return
    signed = f"{timestamp}:".encode() + body if timestamp else body
    if not any(
        hmac.compare_digest(signature(token, signed).encode(), given.strip().encode()) for token in tokens
    ):
        raise Refusal(401, f"{SIGNATURE} is wrong: the secret of the HMAC signature must be the token")
    if timestamp and not (
        timestamp.isdecimal() and abs(now.timestamp() - int(timestamp[:15])) <= MAX_AGE_SECONDS
    ):
        raise Refusal(401, f"{TIMESTAMP} is more than {MAX_AGE_SECONDS // 60} minutes away from this clock")


def signature(token: str, signed: bytes) -> str:
    return hmac.new(token.encode(), signed, hashlib.sha256).hexdigest()
