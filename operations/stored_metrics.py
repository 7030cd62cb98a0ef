"""The metrics that stand in the database. They are those of the whole service, on each of its machines."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import accumulate
from pathlib import Path

from django.db import connection
from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from common.http import version
from incidents.counts.totals import kept
from incidents.models import UNFINISHED, Incident, Source, Status
from incidents.severity import Severity
from incidents.statistics import buckets
from incidents.statistics.totals import BOUNDS, Durations
from integrations.outbound import ticks
from integrations.outbound.models import Delivery, Transport

COUNTING_SECONDS = 0.5
NO_SEVERITY = "none"


class StoredMetrics(Collector):
    """Asks the database anew each time; what is counted there already is not counted again."""

    def collect(self) -> Iterator[Metric]:
        yield from incidents()
        yield from happened()
        yield from deliveries()
        yield from service()

    def describe(self) -> Iterator[Metric]:
        """Let the registry not collect everything once more only to learn the names."""
        return iter(())


def incidents() -> Iterator[Metric]:
    current = gauge("current", "Incidents by status and source.", "status", "source")
    numbers = {(status, source): int(number) for status, source, number in kept.rows()}
    for status in Status.values:
        for source in Source.values:
            current.add_metric([status, source], numbers.get((status, source), 0))
    yield current
    unfinished = gauge("unfinished", "Unfinished incidents by severity.", "severity")
    rows = Incident.objects.filter(status__in=UNFINISHED).order_by().values_list("severity")
    by_severity = dict(rows.annotate(number=Count("id")))
    for severity in (*Severity.values, None):
        unfinished.add_metric([severity or NO_SEVERITY], by_severity.get(severity, 0))
    yield unfinished


def happened() -> Iterator[Metric]:
    """Yield what the statistics have counted, so that nothing is counted twice or lost at a restart."""
    buckets.catch_up(COUNTING_SECONDS)
    totals = buckets.totals()
    created = CounterMetricFamily("incidents_created", "Incidents reported.", labels=["source"])
    for source in Source.values:
        created.add_metric([source], totals.reported[source])
    yield created
    yield histogram("first_action", "From the report to the first action.", totals.first_actions)
    yield histogram("resolution", "From the report to the resolution.", totals.resolutions)


def deliveries() -> Iterator[Metric]:
    now = timezone.now()
    numbers, oldest = backlog()
    by_transport = Delivery.objects.order_by().values_list("destination__transport")
    dead = dict(by_transport.filter(state=Delivery.State.DEAD).annotate(number=Count("id")))
    pending_gauge = gauge("deliveries_pending", "Deliveries that wait or are being sent.", "transport")
    dead_gauge = gauge("deliveries_dead", "Deliveries that were given up.", "transport")
    age = gauge("deliveries_oldest_pending_seconds", "Age of the oldest pending delivery.", "transport")
    for transport in Transport.values:
        pending_gauge.add_metric([transport], numbers[transport])
        dead_gauge.add_metric([transport], dead.get(transport, 0))
        age.add_metric([transport], max(0.0, (now - oldest.get(transport, now)).total_seconds()))
    yield from (pending_gauge, dead_gauge, age)
    tick = gauge("dispatcher_last_tick_timestamp_seconds", "When a dispatcher was last at work, 0 for never.")
    at = ticks.last_tick()
    tick.add_metric([], at.timestamp() if at else 0)
    yield tick


def backlog() -> tuple[Counter[str], dict[str, datetime]]:
    """Return by transport how many deliveries are pending, and since when the oldest is.

    The rows themselves are not read, only their index; there may be very many.
    """
    pending = Delivery.objects.filter(state=Delivery.State.PENDING)
    groups = pending.order_by().values_list("destination", "destination__transport")
    numbers: Counter[str] = Counter()
    oldest: dict[str, datetime] = {}
    for destination, transport, number, first in groups.annotate(number=Count("id"), first=Min("event_id")):
        numbers[transport] += number
        since = pending.filter(destination=destination, event_id=first).values_list("created_at", flat=True)
        for at in since:
            oldest[transport] = min(at, oldest.get(transport, at))
    return numbers, oldest


def service() -> Iterator[Metric]:
    size = gauge("database_size_bytes", "Size of the database on the disk.")
    size.add_metric([], database_bytes())
    yield size
    versions = {**version.versions(), "database": version.database()}
    info = gauge("build_info", "The versions of the service and of what it runs on.", *versions)
    info.add_metric(list(versions.values()), 1)
    yield info


def database_bytes() -> int:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0])
    name = connection.settings_dict["NAME"]
    files = [Path(f"{name}{suffix}") for suffix in ("", "-wal")]
    return sum(file.stat().st_size for file in files if file.exists())


def gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"incidents_{name}", text, labels=labels)


def histogram(name: str, text: str, durations: Durations) -> HistogramMetricFamily:
    metric = HistogramMetricFamily(f"incidents_{name}_seconds", text, labels=[])
    bounds = [*map(str, BOUNDS), "+Inf"]
    at_most = list(zip(bounds, accumulate(durations.numbers), strict=True))
    metric.add_metric([], buckets=at_most, sum_value=durations.seconds)
    return metric
