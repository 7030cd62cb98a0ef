"""The POST dialect's calls: /incidents/create/, /incidents/get_all/, /incidents/update/."""

from django.http import HttpResponseBase, StreamingHttpResponse

from api.post.envelope import ApiError, Body, post_only, respond
from incidents import services
from incidents.api.post import fields, listing, vocabulary
from incidents.models import Event
from incidents.services import NewIncident, Origin
from users.api.post.decorators import allowed_to
from users.models import Action, User


@post_only
@allowed_to(Action.CREATE)
def create(user: User, body: Body) -> HttpResponseBase:
    new = NewIncident(
        description=fields.incident(body),
        source=fields.source(body),
        created_at=fields.date(body),
        idempotency_key=fields.idempotency_key(body),
    )
    try:
        result = services.create(new, origin(user))
    except services.IdempotencyKeyReused:
        raise ApiError(409, "Idempotency key was used for another incident") from None
    return respond({"id": result.id, "created": result.created}, status=201 if result.created else 200)


@post_only
@allowed_to(Action.LIST)
def get_all(_user: User, body: Body) -> HttpResponseBase:
    word = fields.status_filter(body)
    limit = fields.limit(body)
    cursor = fields.cursor(body)
    if limit is None:
        rows = listing.page(word, cursor, listing.CHUNK)
        if len(rows) == listing.CHUNK:
            return StreamingHttpResponse(listing.whole(word, rows), content_type="application/json")
    else:
        rows = listing.page(word, cursor, limit + 1)
    if not rows:
        raise ApiError(404, "Incidents have not found", data={"incidents": []})
    if limit is None:
        return respond({"incidents": listing.items(rows)})
    more = len(rows) > limit
    rows = rows[:limit]
    return respond(
        {
            "incidents": listing.items(rows),
            "next": str(listing.cursor_at(rows[-1])) if more else None,
        }
    )


@post_only
@allowed_to(Action.UPDATE)
def update(user: User, body: Body) -> HttpResponseBase:
    incident_id = fields.incident_id(body)
    word = fields.new_status(body)
    comment = fields.comment(body)
    try:
        services.change(
            incident_id,
            origin(user),
            status=vocabulary.POST_TO_STORED_STATUS[word],
            unless=vocabulary.statuses_read_as(word),
            comment=comment,
        )
    except services.IncidentNotFound:
        raise ApiError(404, "Incident have not found") from None
    return respond({})


def origin(user: User) -> Origin:
    return Origin(user.pk, Event.Door.POST)
