"""The hooks: a post of a monitoring system is authenticated, processed, stored with its outcome and answered.

POST /hooks/alertmanager/
Authorization: Bearer TOKEN

202 {"status": "success", "message": "Event processed", "dedup_key": "eacd290c2e54e780",
     "results": [{"dedup_key": "eacd290c2e54e780", "action": "trigger", "outcome": "created",
                  "incident": 7, "url": "https://incidents.example.com/incident/7/"}]}
"""

import contextlib
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import Error as DatabaseError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from integrations import grafana_signature, received_posts, silent_senders
from integrations.authentication import Caller, find_caller
from integrations.database_retry import retried
from integrations.inbound import body
from integrations.inbound.token_sources import TokenSources, find_tokens, routing_keys_in
from integrations.models import Kind, Outcome
from integrations.processing import process
from integrations.responses import Refusal, invalid, refusal_of, refuse, respond
from integrations.signals import InvalidEvent

METHODS = ("POST", "PUT")
UNAUTHORIZED = "Send the token of the connection, e.g. Authorization: Bearer TOKEN"
TOO_LARGE = (
    f"The body is larger than {settings.MAX_HOOK_BODY_BYTES // 2**20} MiB:"
    " set max_alerts (Alertmanager, Grafana) or send less in one post"
)


@csrf_exempt
def hook(request: HttpRequest, kind: Kind, token: str = "") -> HttpResponse:
    at = timezone.now()
    event = query_event(request, kind)
    content = read(request)
    tokens = tokens_of(request, kind, token, content)
    caller = checked(retried(lambda: find_caller(tokens)), kind)
    body = query(request).encode() if event else content or b""
    post = received_posts.Post(
        caller,
        at=at,
        method=request.method or "",
        content_type=request.content_type or "",
        body=received_posts.without_secrets(body, tokens),
        size=len(body),
    )
    try:
        payload = event or checked_payload(request, kind, tokens, content)
        response = respond(
            HTTPStatus.ACCEPTED, process(post, payload, f"{request.scheme}://{request.get_host()}")
        )
    except Exception as error:  # noqa: BLE001  # Which error it is decides the response.
        response = refused(post, refusal_of(error))
    except BaseException:
        # The process is about to end: what came is kept.
        received_posts.store(post)
        raise
    with contextlib.suppress(DatabaseError):
        silent_senders.step()
    return response


def refused(post: received_posts.Post, refusal: Refusal) -> HttpResponse:
    """Respond to a post that did nothing, and store why."""
    response = refuse(refusal)
    # A busy database would be waited for once more.
    if refusal.status == HTTPStatus.SERVICE_UNAVAILABLE and post.id is None:
        return response
    outcome = Outcome.FAILED if refusal.status >= HTTPStatus.INTERNAL_SERVER_ERROR else Outcome.REFUSED
    with contextlib.suppress(DatabaseError), transaction.atomic():
        received_posts.finish(post, outcome, refusal.status, response.content.decode())
    return response


def query(request: HttpRequest) -> str:
    return str(request.META.get("QUERY_STRING", ""))


def query_event(request: HttpRequest, kind: Kind) -> dict[str, str]:
    """Return the event in the query of a generic hook, an empty one if it is in the body.

    Refuses other methods. Without an explicit action a GET would report whatever opens a link.
    """
    fields: dict[str, str] = {}
    if kind == Kind.GENERIC:
        try:
            fields = body.fields_of(query(request))
        except InvalidEvent as error:
            raise invalid(error) from None
        fields.pop("token", None)
    has_action = bool(fields.get("action", "").strip())
    if request.method in METHODS:
        return fields if has_action and not request.META.get("CONTENT_LENGTH", "").strip("0") else {}
    if request.method == "GET" and has_action:
        return fields
    message = "POST required"
    if kind == Kind.GENERIC:
        message += ", or GET with an explicit action: ?action=trigger&title=...&dedup_key=..."
    raise Refusal(405, message, headers={"Allow": ", ".join(METHODS)})


def read(request: HttpRequest) -> bytes | None:
    """Return the body; None if it is too large."""
    try:
        content = request.read(settings.MAX_HOOK_BODY_BYTES + 1)
    except RequestDataTooBig:
        return None
    except UnreadablePostError:
        raise Refusal(400, "The body did not arrive") from None
    return content if len(content) <= settings.MAX_HOOK_BODY_BYTES else None


def tokens_of(request: HttpRequest, kind: Kind, path: str, content: bytes | None) -> tuple[str, ...]:
    event: dict[str, Any] = {}
    # To decode 4 MB takes a second, which is not for strangers.
    if kind == Kind.PAGERDUTY and content and retried(lambda: find_caller(routing_keys_in(content))):
        with contextlib.suppress(InvalidEvent):
            event = decode(request, kind, content)
    return find_tokens(
        TokenSources(
            authorization=request.META.get("HTTP_AUTHORIZATION", ""),
            api_key=request.META.get("HTTP_X_API_KEY", ""),
            query=query(request),
            path=path,
            payload=event,
        )
    )


def checked(caller: Caller | None, kind: Kind) -> Caller:
    """Return the integration of the token if it may post to this hook."""
    if caller is None:
        raise Refusal(401, UNAUTHORIZED, headers={"WWW-Authenticate": "Bearer"})
    if caller.kind != kind:
        message = f"The token is of a connection of another kind: post to /hooks/{caller.kind.value}/"
        raise Refusal(401, message, headers={"WWW-Authenticate": "Bearer"})
    if not caller.enabled:
        raise Refusal(403, "The connection is switched off")
    return caller


def checked_payload(
    request: HttpRequest, kind: Kind, tokens: tuple[str, ...], content: bytes | None
) -> dict[str, Any]:
    """Return the decoded body. Raises `Refusal` if it is too large, badly signed or no object."""
    if content is None:
        raise Refusal(413, TOO_LARGE)
    if kind == Kind.GRAFANA:
        grafana_signature.check(request.headers, content, tokens, timezone.now())
    try:
        return decode(request, kind, content)
    except InvalidEvent as error:
        raise invalid(error) from None


def decode(request: HttpRequest, kind: Kind, content: bytes) -> dict[str, Any]:
    return body.decode(content, request.META.get("CONTENT_TYPE", ""), form_fields=kind == Kind.GENERIC)
