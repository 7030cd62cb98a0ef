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

from incidents import bulk, services
from incidents.bulk import ImportedEvent, ImportedIncident
from incidents.demo.texts import COMMENTS, NUMBERS, PLACES, REPORTS
from incidents.models import Event, Incident, Source, Status
from incidents.services import NewIncident, Origin
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
UNHANDLED_SHARE = 0.02
OPEN_ALARMS = 4
NEW_INCIDENT_SHARE = 0.6


@dataclass(frozen=True)
class StatusChange:
    at: datetime
    before: Status
    after: Status
    by: User
    comment: str


class Story:
    """Makes incidents. `users` are by name: operator, dispatcher, monitoring and partner."""

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
        active = list(Incident.objects.active().newest_first().defer("description", "search_text")[:40])
        if not active or self.random.random() < NEW_INCIDENT_SHARE:
            source = self.choose(SOURCE_WEIGHTS)
            origin = Origin(self.reporter(source).pk, channel_of(source))
            services.create(NewIncident(self.text(source), source), origin)
            return
        incident = self.random.choice(active)
        after = Status.IN_PROGRESS if incident.status == Status.OPEN else self.choose(FINAL_STATUS_WEIGHTS)
        origin = Origin(self.users["dispatcher"].pk, Event.Channel.PAGE)
        services.change(incident.pk, origin, status=after, comment=self.comment(after))

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
        reporter = self.reporter(source).pk
        created = ImportedEvent(
            Event.Kind.CREATED.value, at, reporter, channel_of(source).value, "", Status.OPEN.value, ""
        )
        changes = [
            ImportedEvent(
                Event.Kind.STATUS_CHANGED.value,
                step.at,
                step.by.pk,
                Event.Channel.PAGE.value,
                step.before.value,
                step.after.value,
                step.comment,
            )
            for step in steps
        ]
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
        )

    def text(self, source: Source) -> str:
        template = self.random.choice(REPORTS[source])
        numbers = {name: self.random.randint(*limits) for name, limits in NUMBERS.items()}
        return template.format(place=self.random.choice(PLACES), **numbers)

    def comment(self, status: Status) -> str:
        return self.random.choice(COMMENTS[status])

    def reporter(self, source: Source) -> User:
        names = {
            Source.MONITORING: "monitoring",
            Source.SYSTEM: "monitoring",
            Source.PARTNER: "partner",
            Source.UNKNOWN: "partner",
            Source.OPERATOR: self.random.choice(["operator", "dispatcher"]),
        }
        return self.users[names[source]]

    def choose(self, weights: dict[Value, int]) -> Value:
        return self.random.choices(list(weights), list(weights.values()))[0]


def channel_of(source: Source) -> Event.Channel:
    channels = {Source.OPERATOR: Event.Channel.PAGE, Source.PARTNER: Event.Channel.REST}
    return channels.get(source, Event.Channel.POST)
