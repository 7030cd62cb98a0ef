"""The POST dialect's call /incidents/events/: the feed of what happens."""

from typing import Any

from django.http import HttpResponseBase

from api.post.envelope import ApiError, Body, post_only, respond
from common.datetimes import to_utc_text
from incidents.api.post import fields, vocabulary
from incidents.api.post.listing import items
from incidents.feed.cursor import Cursor, CursorExpired
from incidents.feed.reader import DEFAULT_PAGE_SIZE, Page, read_end, read_page
from incidents.models import Event
from users.api.post.decorators import require_action
from users.models import Action, User


@post_only
@require_action(Action.LIST)
def events(_user: User, body: Body) -> HttpResponseBase:
    limit = fields.limit(body) or DEFAULT_PAGE_SIZE
    after = body.get("after")
    try:
        page = read_end() if after == "now" else read_page(cursor(after), limit)
    except CursorExpired:
        raise ApiError(410, "Cursor has expired, begin again") from None
    return respond({"events": written(page), "next": str(page.next), "more": page.more})


def cursor(text: Any) -> Cursor | None:
    if text is None:
        return None
    try:
        return Cursor.from_text(text)
    except ValueError:
        raise ApiError(400, "Wrong cursor") from None


def written(page: Page) -> list[dict[str, Any]]:
    incidents = {pk: items([row[:6]])[0] for pk, row in page.incidents.items()}
    return [{**event_item(event), "incident": incidents[event.incident_id]} for event in page.events]


def event_item(event: Event) -> dict[str, Any]:
    return {
        "id": event.pk,
        "kind": event.kind,
        "at": to_utc_text(event.at),
        "by": event.by.username if event.by else None,
        "door": event.channel,
        "status_from": vocabulary.STORED_TO_POST_STATUS[event.status_from] if event.status_from else "",
        "status_to": vocabulary.STORED_TO_POST_STATUS[event.status_to],
        "comment": event.comment,
    }
