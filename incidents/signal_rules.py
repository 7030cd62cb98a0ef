"""What a signal does to the incident of its key, without the database: docs/decisions/0018-signals.md."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from django.utils.translation import gettext_noop

from incidents.event_writer import Entry
from incidents.models import FINISHED, Event, Source, Status
from incidents.severity import Severity
from incidents.signals import Action, Signal

# One of a cluster's senders may post what another has seen earlier: a repeat that comes so soon after the end
# of its own episode is late, and not a new fault.
LATE_REPEAT = timedelta(minutes=1)


class Outcome(StrEnum):
    CREATED = "created"
    REPEATED = "repeated"
    REOPENED = "reopened"
    STILL_FIRING = "still_firing"  # what a person has finished
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    NOTED = "noted"
    IGNORED = "ignored"
    TEST = "test"


NOTHING_TO_CHANGE = gettext_noop("No unfinished incident has this key.")
FINISHED_HERE = gettext_noop("The incident was finished by a person before.")
ENDED_BEFORE = gettext_noop("It ended before the present incident began.")
LATE = gettext_noop("A late repeat of what the sender has just resolved.")
NOTHING_NEW = gettext_noop("It says nothing new.")
HISTORY_IS_FULL = gettext_noop("The incident has too many events.")


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends signals: the user that the incidents belong to, and how they are made.

    A trigger reopens what its sender has resolved within `reopen_within`.
    """

    user_id: int
    source: Source
    reopen_within: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class SignalOutcome:
    """What became of a signal. `note` says why it was ignored; it is in English, with a translation."""

    signal: Signal
    outcome: Outcome
    incident_id: int | None = None
    note: str = ""


@dataclass(slots=True)
class KnownIncident:
    """The incident of a key and what its sender has said about it, as the signals so far leave them.

    `id` is None until it is stored, and `history` is what is to be stored. `worst` is the worst severity that
    the sender said, and `previous` had the key before a new one. The other fields are those of `Incident` and
    `Episode`.
    """

    id: int | None
    key: str
    description: str
    status: str
    severity: str | None
    repeats: int
    last_seen_at: datetime | None
    history_is_full: bool = False
    created_at: datetime | None = None
    has_episode: bool = False
    previous: "KnownIncident | None" = None
    starts_at: datetime | None = None
    ended_at: datetime | None = None
    worst: str | None = None
    latest_text: str = ""
    link: str = ""
    reopened: int = 0
    still_firing_at: datetime | None = None
    is_touched: bool = False
    history: list[Entry] = field(default_factory=list)

    @property
    def is_finished(self) -> bool:
        return self.status in FINISHED

    def note(self, kind: Event.Kind, comment: str = "", *, severity: str | None = None) -> None:
        self.history.append(Entry(kind, self.status, self.status, comment, severity))

    def set_status(self, kind: Event.Kind, status: Status, comment: str = "") -> None:
        self.history.append(Entry(kind, self.status, status.value, comment))
        self.status = status.value

    def raise_severity(self, severity: Severity | None) -> bool:
        """Raise the severity when the sender says a worse one than before; return whether it is raised.

        A person may have set a lower one meanwhile: that holds as long as the sender says what it said.
        """
        if severity is None or self.history_is_full or not severity.is_worse_than(self.worst):
            return False
        self.worst = severity.value
        if not severity.is_worse_than(self.severity):
            return False
        self.severity = severity.value
        self.note(Event.Kind.SEVERITY, severity=severity.value)
        return True

    def repeat(self, signal: Signal, now: datetime) -> None:
        self.repeats += 1
        self.see(now)
        if signal.starts_at and (self.starts_at is None or signal.starts_at > self.starts_at):
            self.starts_at = signal.starts_at
        self.latest_text = "" if signal.description == self.description else signal.description
        self.link = signal.link or self.link

    def see(self, now: datetime) -> None:
        self.last_seen_at = now
        self.is_touched = True


def is_same_episode(signal: Signal, known: KnownIncident) -> bool:
    """Tell whether the signal's episode is the known one, or an earlier one."""
    return bool(signal.starts_at and known.starts_at and signal.starts_at <= known.starts_at)


def apply(
    signal: Signal, known: KnownIncident | None, sender: Sender, now: datetime
) -> tuple[KnownIncident | None, Outcome, str]:
    """Apply a signal to the incident of its key, the unfinished one or else the newest.

    Returns the incident that it concerns, if any, the outcome, and why the signal was ignored.
    """
    if signal.action is Action.TEST:
        return None, Outcome.TEST, ""
    if known is not None and not known.is_finished:
        known.see(now)
        return known, *APPLY[signal.action](signal, known, now)
    if signal.action is Action.TRIGGER:
        return trigger_anew(signal, known, sender, now)
    if known is not None and signal.action is Action.RESOLVE and known.still_firing_at:
        known.see(now)
        known.still_firing_at = None
        return known, Outcome.IGNORED, FINISHED_HERE
    return None, Outcome.IGNORED, NOTHING_TO_CHANGE


def trigger_anew(
    signal: Signal, known: KnownIncident | None, sender: Sender, now: datetime
) -> tuple[KnownIncident, Outcome, str]:
    """Apply a trigger of a key that no unfinished incident has."""
    if known is not None and known.ended_at is not None:
        same = is_same_episode(signal, known)
        since_end = now - known.ended_at
        if same and since_end < LATE_REPEAT:
            return known, Outcome.IGNORED, LATE
        if (same or since_end < sender.reopen_within) and not known.history_is_full:
            known.repeat(signal, now)
            known.set_status(Event.Kind.REOPENED, Status.OPEN)
            known.ended_at = None
            known.reopened += 1
            known.raise_severity(signal.severity)
            return known, Outcome.REOPENED, ""
    elif known is not None and is_same_episode(signal, known):
        known.repeat(signal, now)
        known.still_firing_at = now
        return known, Outcome.STILL_FIRING, ""
    return new_incident(signal, known, now), Outcome.CREATED, ""


def new_incident(signal: Signal, previous: KnownIncident | None, now: datetime) -> KnownIncident:
    severity = signal.severity.value if signal.severity else None
    return KnownIncident(
        id=None,
        key=signal.key,
        description=signal.description,
        status=Status.OPEN.value,
        severity=severity,
        repeats=0,
        last_seen_at=now,
        # The sender's clock may be ahead.
        created_at=min(signal.starts_at or now, now),
        previous=previous,
        starts_at=signal.starts_at,
        worst=severity,
        link=signal.link or "",
        history=[Entry(Event.Kind.CREATED, "", Status.OPEN.value, severity=severity)],
    )


def trigger(signal: Signal, known: KnownIncident, now: datetime) -> tuple[Outcome, str]:
    known.repeat(signal, now)
    known.raise_severity(signal.severity)
    return Outcome.REPEATED, ""


def acknowledge(signal: Signal, known: KnownIncident, now: datetime) -> tuple[Outcome, str]:
    if known.status != Status.OPEN or known.history_is_full:
        return note(signal, known, now)
    known.set_status(Event.Kind.STATUS_CHANGED, Status.IN_PROGRESS, signal.details)
    known.raise_severity(signal.severity)
    return Outcome.ACKNOWLEDGED, ""


def note(signal: Signal, known: KnownIncident, _now: datetime) -> tuple[Outcome, str]:
    if known.history_is_full:
        return Outcome.IGNORED, HISTORY_IS_FULL
    if signal.details:
        known.note(Event.Kind.COMMENTED, signal.details)
    if known.raise_severity(signal.severity) or signal.details:
        return Outcome.NOTED, ""
    return Outcome.IGNORED, NOTHING_NEW


def resolve(signal: Signal, known: KnownIncident, now: datetime) -> tuple[Outcome, str]:
    """Resolve the incident, also one whose history is full: nothing else would ever end it."""
    if signal.ends_at and known.starts_at and signal.ends_at < known.starts_at:
        return Outcome.IGNORED, ENDED_BEFORE
    known.set_status(Event.Kind.STATUS_CHANGED, Status.RESOLVED, signal.details)
    known.ended_at = now
    return Outcome.RESOLVED, ""


APPLY = {
    Action.TRIGGER: trigger,
    Action.ACKNOWLEDGE: acknowledge,
    Action.NOTE: note,
    Action.RESOLVE: resolve,
}
