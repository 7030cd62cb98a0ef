"""The POST dialect's calls: /incidents/create/, /incidents/get_all/, /incidents/update/."""

from django.http import HttpResponseBase, StreamingHttpResponse

from api.post.envelope import NO_STORE, ApiError, Body, post_only, respond
from incidents import services
from incidents.api.post import fields, listing, vocabulary
from incidents.models import Event
from incidents.queries import IncidentQuery, position_of
from incidents.services import NewIncident, Origin
from users.api.post.decorators import require_action
from users.models import Action, User


@post_only
@require_action(Action.CREATE)
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
@require_action(Action.LIST)
def get_all(_user: User, body: Body) -> HttpResponseBase:
    query = IncidentQuery(statuses=fields.status_filter(body))
    limit = fields.limit(body)
    after = fields.cursor(body)
    rows = query.walk(listing.CHUNK if limit is None else limit + 1, after)
    if not rows:
        raise ApiError(404, "Incidents have not found", data={"incidents": []})
    if limit is None and len(rows) == listing.CHUNK:
        return StreamingHttpResponse(
            listing.whole(query, rows), content_type="application/json", headers={"Cache-Control": NO_STORE}
        )
    if limit is None:
        return respond({"incidents": listing.items(rows)})
    shown = rows[:limit]
    cursor = position_of(shown[-1]).to_cursor() if len(rows) > limit else None
    return respond({"incidents": listing.items(shown), "next": cursor})


@post_only
@require_action(Action.UPDATE)
def update(user: User, body: Body) -> HttpResponseBase:
    incident_id = fields.incident_id(body)
    status = fields.new_status(body)
    comment = fields.comment(body)
    try:
        services.change(
            incident_id,
            origin(user),
            status=vocabulary.POST_TO_STORED_STATUS[status],
            keep_if_in=vocabulary.statuses_read_as(status),
            comment=comment,
        )
    except services.IncidentNotFound:
        raise ApiError(404, "Incident have not found") from None
    except services.HistoryFull:
        raise ApiError(409, "Incident has too many events, report a new one") from None
    return respond({})


def origin(user: User) -> Origin:
    return Origin(user.pk, Event.Channel.POST)
