"""A believable month of a scooter fleet's incidents, for looking around in.

story = Story(users, now)
story.write_month()         # into an empty database
story.live_on()             # one more happening, through the services
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

Word = TypeVar("Word")

DAYS = 30
A_DAY = 75
# How busy each hour is: the night is quiet, the evening is not.
HOURS = (3, 2, 1, 1, 1, 2, 4, 8, 10, 8, 7, 7, 8, 8, 8, 9, 11, 14, 15, 14, 12, 9, 7, 5)
SOURCES = {
    Source.MONITORING: 46,
    Source.OPERATOR: 30,
    Source.PARTNER: 15,
    Source.SYSTEM: 7,
    Source.UNKNOWN: 2,
}
ENDS = {
    Status.RESOLVED: 58,
    Status.CLOSED: 22,
    Status.FAKE: 12,
    Status.CANCELLED: 4,
    Status.UNKNOWN: 1,
}
FORGOTTEN = 0.02
WAITING = 4
NEWS_SHARE = 0.6


@dataclass(frozen=True)
class Step:
    """One change in an incident's life."""

    at: datetime
    before: Status
    after: Status
    by: User
    comment: str


class Story:
    """Tells incidents. `users` are by name: operator, dispatcher, monitoring and partner."""

    def __init__(self, users: dict[str, User], now: datetime, seed: int = 1) -> None:
        self.users = users
        self.now = now
        self.random = random.Random(seed)  # noqa: S311  # a story, no secret

    def write_month(self) -> None:
        """Write the last thirty days."""
        timestamps = self.timestamps()
        recent = [at for at in timestamps if timedelta(hours=3) < self.now - at < timedelta(days=2)]
        waiting = set(self.random.sample(recent, WAITING))
        bulk.import_batch([self.past(pk, at, waits=at in waiting) for pk, at in enumerate(timestamps, 1)])

    def live_on(self) -> None:
        """Report an incident, or take or end one that is active."""
        active = list(Incident.objects.active().newest_first().defer("description", "search_text")[:40])
        if not active or self.random.random() < NEWS_SHARE:
            source = self.one_of(SOURCES)
            origin = Origin(self.reporter(source).pk, door_of(source))
            services.create(NewIncident(self.text(source), source), origin)
            return
        incident = self.random.choice(active)
        after = Status.IN_PROGRESS if incident.status == Status.OPEN else self.one_of(ENDS)
        origin = Origin(self.users["dispatcher"].pk, Event.Channel.PAGE)
        services.change(incident.pk, origin, status=after, comment=self.comment(after))

    def timestamps(self) -> list[datetime]:
        """Choose when incidents happened, oldest first."""
        chosen = []
        for day in range(DAYS + 1):
            start = (self.now - timedelta(days=day)).replace(hour=0, minute=0, second=0, microsecond=0)
            for _n in range(round(self.random.gauss(A_DAY, A_DAY / 7))):
                hour = self.random.choices(range(24), HOURS)[0]
                chosen.append(start + timedelta(hours=hour, seconds=self.random.uniform(0, 3600)))
        # The last hour as a newcomer should find it, at whatever hour of the night it is.
        chosen += [self.now - timedelta(minutes=self.random.uniform(0.2, 70)) for _n in range(9)]
        oldest = self.now - timedelta(days=DAYS)
        return sorted(timestamp for timestamp in chosen if oldest < timestamp < self.now)

    def life(self, at: datetime) -> Iterator[Step]:
        """Yield what became of an incident by now."""
        if self.random.random() < FORGOTTEN and self.now - at < timedelta(days=6):
            return
        by = self.users[self.random.choice(["operator", "dispatcher"])]
        at += timedelta(seconds=self.random.lognormvariate(5.9, 0.9))
        if at < self.now:
            yield Step(at, Status.OPEN, Status.IN_PROGRESS, by, self.comment(Status.IN_PROGRESS))
        at += timedelta(seconds=self.random.lognormvariate(7.9, 0.8))
        if at < self.now:
            end = self.one_of(ENDS)
            yield Step(at, Status.IN_PROGRESS, end, by, self.comment(end))

    def past(self, pk: int, at: datetime, *, waits: bool) -> ImportedIncident:
        """Tell an incident that happened `at` with all that became of it, or an alarm that still waits."""
        source = Source.MONITORING if waits else self.one_of(SOURCES)
        life = [] if waits else list(self.life(at))
        reporter = self.reporter(source).pk
        created = ImportedEvent(
            Event.Kind.CREATED.value, at, reporter, door_of(source).value, "", Status.OPEN.value, ""
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
            for step in life
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

    def one_of(self, weights: dict[Word, int]) -> Word:
        return self.random.choices(list(weights), list(weights.values()))[0]


def door_of(source: Source) -> Event.Channel:
    doors = {Source.OPERATOR: Event.Channel.PAGE, Source.PARTNER: Event.Channel.REST}
    return doors.get(source, Event.Channel.POST)
