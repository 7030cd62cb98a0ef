"""The POST dialect's calls: /incidents/create/, /incidents/get_all/, /incidents/update/."""

from django.http import HttpResponseBase

from api.post.envelope import NO_STORE, ApiError, Body, post_only, respond
from common.db.errors import RETRY_AFTER
from incidents import export_limit, services
from incidents.api.post import fields, listing, vocabulary
from incidents.export_limit import LimitedResponse
from incidents.models import Event
from incidents.queries import IncidentQuery, position_of
from incidents.services import NewIncident, Origin
from incidents.statements import BriefRow
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
def get_all(user: User, body: Body) -> HttpResponseBase:
    query = IncidentQuery(statuses=fields.status_filter(body))
    limit = fields.limit(body)
    after = fields.cursor(body)
    asked = listing.CHUNK if limit is None else min(limit + 1, listing.CHUNK)
    rows = query.walk(asked, after)
    if not rows:
        raise ApiError(404, "Incidents have not found", data={"incidents": []})
    if len(rows) == listing.CHUNK:
        return stream(user, query, rows, limit)
    if limit is None:
        return respond({"incidents": listing.items(rows)})
    shown = rows[:limit]
    cursor = position_of(shown[-1]).to_cursor() if len(rows) > limit else None
    return respond({"incidents": listing.items(shown), "next": cursor})


def stream(user: User, query: IncidentQuery, rows: list[BriefRow], limit: int | None) -> HttpResponseBase:
    lock = None
    if limit is None:
        lock = export_limit.acquire("list", user.pk, export_limit.MAX_WHOLE_LISTS)
        if lock is None:
            raise ApiError(503, "Service is busy, try again", headers=RETRY_AFTER)
    return LimitedResponse(
        listing.stream(query, rows, limit),
        lock,
        content_type="application/json",
        headers={"Cache-Control": NO_STORE},
    )


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
