"""GET /metrics: what the processes have counted, and what the database says when it is asked."""

import secrets
from http import HTTPStatus

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from common import metrics
from incidents.models import Source
from incidents.signal_rules import Outcome
from integrations.models import Kind
from integrations.outbound.models import Transport
from integrations.processing import REJECTED


def enable(*, is_start: bool) -> None:
    """Let this process and its forks count, if METRICS_TOKEN is set; a start of the service begins anew."""
    if not settings.METRICS_TOKEN:
        return
    folder = settings.DATA_DIR / metrics.FOLDER
    if is_start:
        metrics.clear(folder)
    counts = metrics.enable(folder)
    counts.prepare(counts.signals, Kind.values, [*(outcome.value for outcome in Outcome), REJECTED])
    counts.prepare(counts.repeats, Source.values)
    counts.prepare(counts.attempts, Transport.values, metrics.ATTEMPT_OUTCOMES)


@require_GET
def view(request: HttpRequest) -> HttpResponse:
    """Show the metrics to whoever has METRICS_TOKEN; 404 without that setting, 401 without that token."""
    if not settings.METRICS_TOKEN:
        raise Http404
    scheme, _space, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    is_right = secrets.compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode())
    if scheme.lower() != "bearer" or not is_right:
        return HttpResponse(
            "The bearer token METRICS_TOKEN is needed.\n",
            content_type="text/plain",
            status=HTTPStatus.UNAUTHORIZED,
            headers={"WWW-Authenticate": "Bearer"},
        )
    # Nobody who does not use metrics pays for the import.
    from prometheus_client import CollectorRegistry
    from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    from operations.stored_metrics import StoredMetrics

    registry = CollectorRegistry()
    registry.register(StoredMetrics())
    if metrics.counts:
        MultiProcessCollector(registry, str(metrics.counts.folder))  # type: ignore[no-untyped-call]
    return HttpResponse(
        generate_latest(registry),
        content_type=CONTENT_TYPE_PLAIN_0_0_4,
        headers={"Cache-Control": "no-store"},
    )
