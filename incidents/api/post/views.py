"""The POST dialect's calls: /incidents/create/, /incidents/get_all/, /incidents/get/, /incidents/update/."""

from django.http import HttpResponseBase

from api.post.envelope import NO_STORE, ApiError, Body, post_only, respond
from common.db.errors import RETRY_AFTER
from incidents import client_keys, queries, services, stream_limit
from incidents.api.post import fields, listing, vocabulary
from incidents.api.post.history import respond_with_history
from incidents.api.post.items import list_items
from incidents.models import Event
from incidents.queries import IncidentQuery, position_of
from incidents.services import NewIncident, Origin
from incidents.statements import ListedRow
from incidents.stream_limit import LimitedResponse
from users.api.post.authentication import require_action
from users.models import User
from users.roles import Action


@post_only
@require_action(Action.CREATE)
def create(user: User, body: Body) -> HttpResponseBase:
    new = NewIncident(
        description=fields.incident(body),
        source=fields.source(body),
        created_at=fields.date(body),
        idempotency_key=fields.idempotency_key(body),
        severity=fields.severity(body),
        dedup_key=fields.dedup_key(body),
    )
    try:
        result = services.create(new, origin(user))
    except services.IdempotencyKeyReused:
        raise ApiError(409, "Idempotency key was used for another incident") from None
    return respond({"id": result.id, "created": result.created}, status=201 if result.created else 200)


@post_only
@require_action(Action.LIST)
def get_all(user: User, body: Body) -> HttpResponseBase:
    statuses = fields.status_filter(body)
    limit = fields.limit(body)
    after = fields.cursor(body)
    query = IncidentQuery(
        statuses=statuses,
        severity=fields.severity(body),
        sources=fields.source_filter(body),
        **fields.assignee_filter(body, user.pk),
    )
    asked = listing.CHUNK if limit is None else min(limit + 1, listing.CHUNK)
    rows = listing.read(query, asked, after)
    if not rows:
        raise ApiError(404, "Incidents have not found", data={"incidents": []})
    if len(rows) == listing.CHUNK:
        return stream(user, query, rows, limit)
    if limit is None:
        return respond({"incidents": list_items(rows)})
    shown = rows[:limit]
    cursor = position_of(shown[-1]).to_cursor() if len(rows) > limit else None
    return respond({"incidents": list_items(shown), "next": cursor})


def stream(user: User, query: IncidentQuery, rows: list[ListedRow], limit: int | None) -> HttpResponseBase:
    lock = None
    if limit is None:
        lock = stream_limit.acquire("list", user.pk, stream_limit.MAX_WHOLE_LISTS)
        if lock is None:
            raise ApiError(503, "Service is busy, try again", headers=RETRY_AFTER)
    return LimitedResponse(
        listing.stream(query, rows, limit),
        lock,
        content_type="application/json",
        headers={"Cache-Control": NO_STORE},
    )


@post_only
@require_action(Action.LIST)
def get(user: User, body: Body) -> HttpResponseBase:
    asked = fields.incident_or_key(body)
    pk = asked if isinstance(asked, int) else client_keys.unfinished(asked, user.pk)
    row = None if pk is None else queries.find(pk)
    if row is None:
        raise ApiError(404, "Incident have not found")
    return respond_with_history(row)


@post_only
@require_action(Action.FINISH_OWN)
def update(user: User, body: Body) -> HttpResponseBase:
    if not user.may(Action.UPDATE) and not fields.finishes_own(body):
        raise ApiError(403, "Permission denied")
    incident = fields.incident_or_key(body)
    status = fields.new_status(body)
    comment = fields.comment(body)
    severity = fields.new_severity(body)
    assignee = fields.new_assignee(body)
    idempotency_key = fields.idempotency_key(body)
    try:
        services.change(
            incident,
            origin(user),
            status=vocabulary.POST_TO_STORED_STATUS[status] if status else None,
            keep_if_in=vocabulary.statuses_read_as(status) if status else frozenset(),
            comment=comment,
            severity=severity,
            assignee=assignee,
            idempotency_key=idempotency_key,
        )
    except services.IncidentNotFound:
        raise ApiError(404, "Incident have not found") from None
    except services.KeyIsActive as error:
        sentence = f"Incident {error.incident_id} has the same dedup key and is active"
        raise ApiError(409, sentence) from None
    except services.HistoryFull:
        raise ApiError(409, "Incident has too many events, report a new one") from None
    return respond({})


def origin(user: User) -> Origin:
    return Origin(user.pk, Event.Channel.POST)
