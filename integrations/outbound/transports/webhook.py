"""Signed webhooks, by Standard Webhooks 1.0 (github.com/standard-webhooks/standard-webhooks)."""

import base64
import hashlib
import hmac
import secrets
import time
from datetime import UTC, datetime
from http import HTTPStatus

import orjson

from common.http.guarded_client import RequestFailed
from integrations.outbound.retry_schedule import retry_after
from integrations.outbound.transports.base import Address, Message, Outcome, excerpt, request

PREFIX = "whsec_"


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode("ascii")


def send(address: Address, message: Message) -> Outcome:
    """Send with the signatures of all valid secrets: a receiver accepts any of them."""
    body = orjson.dumps(message.payload)
    timestamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message.id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(
            signature(secret, message.id, timestamp, body) for secret in address.secrets
        ),
    }
    try:
        response = request("POST", address.address, headers, body)
    except RequestFailed as failed:
        return Outcome(success=False, reason=str(failed))
    return Outcome(
        success=HTTPStatus(200) <= response.status < HTTPStatus.MULTIPLE_CHOICES,
        status=response.status,
        reason=excerpt(response.body),
        disable=response.status == HTTPStatus.GONE,
        retry_after=retry_after(response.headers.get("retry-after", ""), datetime.now(UTC)),
    )


def signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    digest = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(digest).decode("ascii")
