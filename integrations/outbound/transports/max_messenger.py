"""The messenger MAX: POST /messages of its bot API (dev.max.ru/docs-api)."""

from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import quote

import orjson
from django.conf import settings

from common.http.guarded_client import RequestFailed
from integrations.outbound.retry_schedule import retry_after
from integrations.outbound.transports.base import Address, Message, Outcome, excerpt, request

MAX_LENGTH = 4000


def send(address: Address, message: Message) -> Outcome:
    url = f"{settings.MAX_API_URL}/messages?chat_id={quote(address.address)}"
    text = message.text if len(message.text) <= MAX_LENGTH else message.text[: MAX_LENGTH - 1] + "…"
    headers = {"Content-Type": "application/json", "Authorization": address.secrets[0]}
    try:
        response = request("POST", url, headers, orjson.dumps({"text": text}))
    except RequestFailed as failed:
        return Outcome(success=False, reason=str(failed))
    return Outcome(
        success=response.status == HTTPStatus.OK,
        status=response.status,
        reason="" if response.status == HTTPStatus.OK else excerpt(response.body),
        disable=response.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN},
        retry_after=retry_after(response.headers.get("retry-after", ""), datetime.now(UTC)),
    )
