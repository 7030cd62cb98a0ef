"""The POST dialect's call /incidents/events/: the feed of what happens."""

from typing import Any

from django.http import HttpResponseBase

from api.post.envelope import ApiError, Body, post_only, respond
from incidents.api.post import fields
from incidents.api.post.items import event_item, incident_item
from incidents.feed.cursor import Cursor, CursorExpired
from incidents.feed.reader import DEFAULT_PAGE_SIZE, Page, read_end, read_page
from users.api.post.authentication import require_action
from users.models import User
from users.roles import Action


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
    incidents = {pk: incident_item(row) for pk, row in page.incidents.items()}
    return [{**event_item(event), "incident": incidents[event.incident_id]} for event in page.events]
