"""Telegram's Bot API: sendMessage alone. Texts are plain: a parse error of markup would lose the message.

The bot's token stands in the URL, so nothing of the URL is ever part of a reason.
"""

from http import HTTPStatus
from typing import Any

import orjson
from django.conf import settings

from common.http.guarded_client import RequestFailed, Response
from integrations.outbound.retry_schedule import pause_of
from integrations.outbound.transports.base import Address, Message, Outcome, excerpt, request

MAX_LENGTH = 4096  # core.telegram.org/bots/api#sendmessage, in UTF-16 code units


def send(address: Address, message: Message) -> Outcome:
    fields: dict[str, Any] = {
        "chat_id": address.address,
        "text": cut(message.text),
        "link_preview_options": {"is_disabled": True},
    }
    if message.thread:
        fields["reply_parameters"] = {
            "message_id": int(message.thread),
            "allow_sending_without_reply": True,
        }
    url = f"{settings.TELEGRAM_API_URL}/bot{address.secrets[0]}/sendMessage"
    try:
        response = request(
            "POST",
            url,
            {"Content-Type": "application/json"},
            orjson.dumps(fields),
            proxy=settings.TELEGRAM_PROXY,
        )
    except RequestFailed as failed:
        return Outcome(success=False, reason=str(failed))
    return read(response)


def read(response: Response) -> Outcome:
    try:
        content = orjson.loads(response.body)
    except ValueError:
        content = None
    fields = content if isinstance(content, dict) else {}
    parameters = fields.get("parameters") if isinstance(fields.get("parameters"), dict) else {}
    result = fields.get("result") if isinstance(fields.get("result"), dict) else {}
    if response.status == HTTPStatus.OK and fields.get("ok") is True:
        return Outcome(success=True, status=response.status, thread=number_in(result, "message_id"))
    seconds = (parameters or {}).get("retry_after")
    return Outcome(
        success=False,
        status=response.status,
        reason=str(fields.get("description") or excerpt(response.body)),
        # The bot was blocked, or thrown out of the chat.
        disable=response.status in {HTTPStatus.FORBIDDEN, HTTPStatus.UNAUTHORIZED},
        retry_after=pause_of(seconds) if isinstance(seconds, int) else None,
        # A group that became a supergroup has another id.
        moved_to=number_in(parameters, "migrate_to_chat_id"),
    )


def number_in(fields: dict[str, Any] | None, name: str) -> str:
    value = (fields or {}).get(name)
    return str(value) if isinstance(value, int) else ""


def cut(text: str, length: int = MAX_LENGTH) -> str:
    """Cut at the limit, which counts characters beyond the BMP as two, and mark that."""
    encoded = text.encode("utf-16-le")
    if len(encoded) <= 2 * length:
        return text
    return encoded[: 2 * (length - 1)].decode("utf-16-le", errors="ignore") + "…"
