"""A plausible month of a scooter fleet's incidents, for `make demo`.

story = Story(users, now)
story.import_month()        # into an empty database
story.add_event()           # one more event, through the services
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from incidents import bulk, client_keys, services, signal_service
from incidents.bulk import ImportedEpisode, ImportedEvent, ImportedIncident
from incidents.demo.texts import COMMENTS, NUMBERS, PLACES, REPORTS
from incidents.models import ACTIVE, Event, Incident, Source, Status
from incidents.services import NewIncident, Origin
from incidents.severity import Severity
from incidents.signal_rules import Sender
from incidents.signals import Action, Signal
from users.models import User

Value = TypeVar("Value")

DAYS = 30
INCIDENTS_PER_DAY = 75
# Most incidents happen in the evening, the fewest at night.
HOUR_WEIGHTS = (3, 2, 1, 1, 1, 2, 4, 8, 10, 8, 7, 7, 8, 8, 8, 9, 11, 14, 15, 14, 12, 9, 7, 5)
SOURCE_WEIGHTS = {
    Source.MONITORING: 46,
    Source.OPERATOR: 30,
    Source.PARTNER: 15,
    Source.SYSTEM: 7,
    Source.UNKNOWN: 2,
}
FINAL_STATUS_WEIGHTS = {
    Status.RESOLVED: 58,
    Status.CLOSED: 22,
    Status.FAKE: 12,
    Status.CANCELLED: 4,
    Status.UNKNOWN: 1,
}
SEVERITY_WEIGHTS = {Severity.CRITICAL: 10, Severity.ERROR: 35, Severity.WARNING: 45, Severity.INFO: 10}
# Who say how bad it is.
MACHINES = frozenset({Source.MONITORING, Source.SYSTEM})
UNHANDLED_SHARE = 0.02
OPEN_ALARMS = 4
NEW_INCIDENT_SHARE = 0.6
SIGNAL_SHARE = 0.3
SIGNAL_KEYS = 6


@dataclass(frozen=True)
class StatusChange:
    at: datetime
    before: Status
    after: Status
    by: User
    comment: str


class Story:
    """Makes incidents. `users` are by name: operator, dispatcher, monitoring, partner and prometheus.

    Prometheus is a monitoring system: it reports by signals.
    """

    def __init__(self, users: dict[str, User], now: datetime, seed: int = 1) -> None:
        self.users = users
        self.now = now
        self.random = random.Random(seed)  # noqa: S311  # no secret

    def import_month(self) -> None:
        """Import the incidents of the last thirty days."""
        times = self.report_times()
        recent = [at for at in times if timedelta(hours=3) < self.now - at < timedelta(days=2)]
        waiting = set(self.random.sample(recent, OPEN_ALARMS))
        bulk.import_batch([self.incident(pk, at, stays_open=at in waiting) for pk, at in enumerate(times, 1)])

    def add_event(self) -> None:
        """Report an incident, or take or finish one that is active."""
        if self.random.random() < SIGNAL_SHARE:
            signal_service.handle([self.signal()], Sender(self.users["prometheus"].pk, Source.MONITORING))
            return
        found = Incident.objects.filter(status__in=ACTIVE).newest_first()
        active = list(found.defer("description", "search_text")[:40])
        if not active or self.random.random() < NEW_INCIDENT_SHARE:
            source = self.choose(SOURCE_WEIGHTS)
            origin = Origin(self.reporter(source).pk, channel_of(source))
            services.create(NewIncident(self.text(source), source), origin)
            return
        incident = self.random.choice(active)
        after = Status.IN_PROGRESS if incident.status == Status.OPEN else self.choose(FINAL_STATUS_WEIGHTS)
        origin = Origin(self.users["dispatcher"].pk, Event.Channel.PAGE)
        services.change(incident.pk, origin, status=after, comment=self.comment(after))

    def signal(self) -> Signal:
        """Make what Prometheus says next of one of its few keys."""
        number = self.random.randrange(SIGNAL_KEYS)
        texts = random.Random(number)  # noqa: S311  # the same for a key each time
        key = f"{number:016x}"
        lasts = client_keys.unfinished(key, self.users["prometheus"].pk)
        return Signal(
            action=self.random.choice([Action.TRIGGER, Action.RESOLVE]) if lasts else Action.TRIGGER,
            key=key,
            title=texts.choice(REPORTS[Source.MONITORING]).format(
                place=texts.choice(PLACES), **{name: limits[0] for name, limits in NUMBERS.items()}
            ),
            severity=texts.choice(list(Severity)),
        )

    def report_times(self) -> list[datetime]:
        """Choose when incidents were reported, oldest first."""
        chosen = []
        for day in range(DAYS + 1):
            start = (self.now - timedelta(days=day)).replace(hour=0, minute=0, second=0, microsecond=0)
            for _n in range(round(self.random.gauss(INCIDENTS_PER_DAY, INCIDENTS_PER_DAY / 7))):
                hour = self.random.choices(range(24), HOUR_WEIGHTS)[0]
                chosen.append(start + timedelta(hours=hour, seconds=self.random.uniform(0, 3600)))
        # The queue shows recent incidents at whatever hour the demo starts.
        chosen += [self.now - timedelta(minutes=self.random.uniform(0.2, 70)) for _n in range(9)]
        oldest = self.now - timedelta(days=DAYS)
        return sorted(at for at in chosen if oldest < at < self.now)

    def changes(self, at: datetime) -> Iterator[StatusChange]:
        """Yield the changes up to now of an incident reported `at`."""
        if self.random.random() < UNHANDLED_SHARE and self.now - at < timedelta(days=6):
            return
        by = self.users[self.random.choice(["operator", "dispatcher"])]
        at += timedelta(seconds=self.random.lognormvariate(5.9, 0.9))
        if at < self.now:
            yield StatusChange(at, Status.OPEN, Status.IN_PROGRESS, by, self.comment(Status.IN_PROGRESS))
        at += timedelta(seconds=self.random.lognormvariate(7.9, 0.8))
        if at < self.now:
            end = self.choose(FINAL_STATUS_WEIGHTS)
            yield StatusChange(at, Status.IN_PROGRESS, end, by, self.comment(end))

    def incident(self, pk: int, at: datetime, *, stays_open: bool) -> ImportedIncident:
        """Make an incident reported `at` with its history, or an alarm that is still open."""
        source = Source.MONITORING if stays_open else self.choose(SOURCE_WEIGHTS)
        steps = [] if stays_open else list(self.changes(at))
        user = self.reporter(source)
        reporter, severity = user.pk, self.choose(SEVERITY_WEIGHTS).value if source in MACHINES else None
        has_key = user.username == "prometheus"
        repeats = self.random.choice([0, 0, 1, 3, 12]) if has_key else 0
        channel = Event.Channel.HOOK if has_key else channel_of(source)
        created = ImportedEvent(
            Event.Kind.CREATED.value, at, reporter, channel.value, "", Status.OPEN.value, "", severity
        )
        changes = [event for step in steps for event in events_of(step)]
        return ImportedIncident(
            description=self.text(source),
            source=source.value,
            status=changes[-1].status_to if changes else Status.OPEN.value,
            created_at=at,
            updated_at=changes[-1].at if changes else at,
            created_by=reporter,
            id=pk,
            key=None,
            spare_key=f"demo-{pk}",
            events=[created, *changes],
            severity=severity,
            dedup_key=f"demo-{pk}" if has_key else None,
            assignee=steps[0].by.pk if steps else None,
            repeats=repeats,
            last_seen_at=at + timedelta(minutes=repeats) if has_key else None,
            episode=ImportedEpisode(at, None, severity, "", "", 0, None) if has_key else None,
        )

    def text(self, source: Source) -> str:
        template = self.random.choice(REPORTS[source])
        numbers = {name: self.random.randint(*limits) for name, limits in NUMBERS.items()}
        return template.format(place=self.random.choice(PLACES), **numbers)

    def comment(self, status: Status) -> str:
        return self.random.choice(COMMENTS[status])

    def reporter(self, source: Source) -> User:
        names = {
            Source.MONITORING: self.random.choice(["monitoring", "prometheus"]),
            Source.SYSTEM: "monitoring",
            Source.PARTNER: "partner",
            Source.UNKNOWN: "partner",
            Source.OPERATOR: self.random.choice(["operator", "dispatcher"]),
        }
        return self.users[names[source]]

    def choose(self, weights: dict[Value, int]) -> Value:
        return self.random.choices(list(weights), list(weights.values()))[0]


def events_of(step: StatusChange) -> Iterator[ImportedEvent]:
    channel = Event.Channel.PAGE.value
    kind, before, after = Event.Kind.STATUS_CHANGED.value, step.before.value, step.after.value
    yield ImportedEvent(kind, step.at, step.by.pk, channel, before, after, step.comment)
    if step.after is Status.IN_PROGRESS:
        kind = Event.Kind.ASSIGNED.value
        yield ImportedEvent(kind, step.at, step.by.pk, channel, after, after, "", assignee=step.by.pk)


def channel_of(source: Source) -> Event.Channel:
    channels = {Source.OPERATOR: Event.Channel.PAGE, Source.PARTNER: Event.Channel.REST}
    return channels.get(source, Event.Channel.POST)
