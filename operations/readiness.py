"""/readyz with what administrators see besides: whether deliveries are made. That changes no status."""

from http import HTTPStatus

from django.db import Error
from django.http import HttpRequest, HttpResponse, JsonResponse

from common.http import health
from integrations.outbound import ticks
from users import tokens
from users.models import User


def view(request: HttpRequest) -> HttpResponse:
    """Add the dispatcher's last tick for a superuser, by session or bearer token."""
    response = health.readyz(request)
    if response.status_code != HTTPStatus.OK:
        return response
    try:
        if not is_superuser(request):
            return response
        ticked_at = ticks.last_tick()
    except Error:
        return response
    dispatcher = {"last_tick_at": ticked_at, "runs": ticks.is_recent(ticked_at)}
    return JsonResponse(
        {"status": health.OK, "dispatcher": dispatcher}, headers={"Cache-Control": "no-store"}
    )


def is_superuser(request: HttpRequest) -> bool:
    scheme, _space, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    user = tokens.user_of(secret.strip()) if scheme.lower() == "bearer" else request.user
    return isinstance(user, User) and user.is_superuser
