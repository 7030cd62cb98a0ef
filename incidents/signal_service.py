"""The writer of what senders say: `incidents.signal_rules` decides, this stores it.

    sender = Sender(user.pk, Source.MONITORING)
    handle([Signal(action=Action.TRIGGER, key="db1/disk", title="Disk full")], sender)
    # [SignalOutcome(signal, Outcome.CREATED, incident_id=7, note="")]

A transaction has at most `BATCH` signals, so that other writers need not wait long. Those that were committed
stay when a later one fails; to send all of them again does no harm. In the last transaction the caller of
`handle_and` may write something of its own.
"""

import functools
import random
import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, TypeVar

from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from common.datetimes import aware
from common.db.compiled import Given, select, update
from common.db.errors import is_transient
from incidents import event_writer, statements
from incidents.models import UNFINISHED, Episode, Event, Incident
from incidents.search_text import folded
from incidents.signal_rules import KnownIncident, Outcome, Sender, SignalOutcome, apply
from incidents.signals import Signal
from users.models import User

BATCH = 100
MAX_ATTEMPTS = 10
MAX_SECONDS = 5.0  # of attempts; SQLite has waited for its lock by then.

Result = TypeVar("Result")

# In the order of KnownIncident.
LOADED_FIELDS = (
    *("id", "dedup_key", "description", "status", "severity", "repeats", "last_seen_at"),
    statements.HISTORY_IS_FULL,
)
SEEN_FIELDS = ["repeats", "last_seen_at"]
CHANGED_FIELDS = [*SEEN_FIELDS, "status", "severity", "updated_at"]
update_seen = update(lambda: Incident.objects.filter(id=Given("id", Incident)), SEEN_FIELDS)
update_changed = update(lambda: Incident.objects.filter(id=Given("id", Incident)), CHANGED_FIELDS)
lock_sender = select(
    lambda: User.objects.filter(pk=Given("id", User)).select_for_update(no_key=True).values_list("pk")
)
select_episode = select(
    lambda: Episode.objects.filter(pk=Given("incident", Episode)).values_list(*statements.EPISODE_FIELDS)
)


def of_key(**more: Any) -> QuerySet[Incident, Any]:
    same_key = Incident.objects.filter(
        created_by=Given("created_by", Incident), dedup_key=Given("dedup_key", Incident), **more
    )
    return same_key.order_by("-id").select_for_update().values_list(*LOADED_FIELDS)


# One statement for both would have to sort, which takes SQLite thrice the time of these.
lock_unfinished = select(lambda: of_key(status__in=UNFINISHED), limited=True)
lock_newest = select(of_key, limited=True)


def handle(signals: Sequence[Signal], sender: Sender) -> list[SignalOutcome]:
    """Apply signals in their order, and return the outcome of each.

    Raises the database's error when it stays busy or away.
    """
    return handle_and(signals, sender, lambda outcomes: outcomes)


def handle_and(
    signals: Sequence[Signal], sender: Sender, conclude: Callable[[list[SignalOutcome]], Result]
) -> Result:
    """Do the same, and return what `conclude` makes of all outcomes in the transaction of the last signals.

    An error of `conclude` undoes that transaction; after a lost race both are run again.
    """
    last = max(0, len(signals) - 1) // BATCH * BATCH
    outcomes: list[SignalOutcome] = []
    for start in range(0, last, BATCH):
        outcomes += in_transaction(functools.partial(write, signals[start : start + BATCH], sender))
    return in_transaction(lambda: conclude(outcomes + write(signals[last:], sender)))


def in_transaction(act: Callable[[], Result]) -> Result:
    """Run `act` in one transaction, again where a writer of another channel was faster with a key."""
    deadline = time.monotonic() + MAX_SECONDS
    for attempt in range(1, MAX_ATTEMPTS + 1):
        try:
            with transaction.atomic():
                return act()
        except (IntegrityError, InterfaceError, OperationalError) as error:
            is_last = attempt == MAX_ATTEMPTS or time.monotonic() > deadline
            if is_last or not (isinstance(error, IntegrityError) or is_transient(error)):
                raise
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()
        time.sleep(random.uniform(0, 0.01 * attempt))  # noqa: S311
    raise AssertionError


def write(signals: Sequence[Signal], sender: Sender) -> list[SignalOutcome]:
    if not signals:
        return []
    wait_for_others_of(sender)
    now = timezone.now()
    incidents = load({signal.key for signal in signals}, sender)
    known = {one.key: one for one in incidents}
    applied = []
    for signal in signals:
        incident, outcome, note = apply(signal, known.get(signal.key), sender, now)
        if outcome is Outcome.CREATED and incident is not None:
            incidents.append(incident)
            known[signal.key] = incident
        applied.append((signal, outcome, incident, note))
    store(incidents, sender, now)
    return [
        SignalOutcome(signal, outcome, incident.id if incident else None, note)
        for signal, outcome, incident, note in applied
    ]


def wait_for_others_of(sender: Sender) -> None:
    """Let one transaction at a time handle the sender's signals; writers of other channels do not wait."""
    # SQLite has one writer at a time.
    if connection.features.has_select_for_update:
        lock_sender.rows(id=sender.user_id)


def load(keys: Collection[str], sender: Sender) -> list[KnownIncident]:
    """Lock and return the incident of each key that has one: the unfinished one, or else the newest."""
    if len(keys) == 1:
        [key] = keys
        return load_one(key, sender)
    same_sender = Incident.objects.filter(created_by=sender.user_id)
    unfinished = same_sender.filter(dedup_key__in=keys, status__in=UNFINISHED)
    by_key = dict(unfinished.values_list("dedup_key", "id"))
    others = same_sender.filter(dedup_key__in=keys - by_key.keys())
    by_key |= dict(others.values_list("dedup_key").annotate(Max("id")))
    locked = Incident.objects.filter(id__in=by_key.values()).order_by("id").select_for_update()
    rows = list(locked.values_list(*LOADED_FIELDS))
    episodes = Episode.objects.in_bulk(by_key.values())
    return [KnownIncident(*row, **of_episode(episodes.get(row[0]))) for row in rows]


def load_one(key: str, sender: Sender) -> list[KnownIncident]:
    """Do the same for the one key that most posts have, by compiled statements."""
    given = {"created_by": sender.user_id, "dedup_key": key, "limit": 1}
    rows = lock_unfinished.rows(**given) or lock_newest.rows(**given)
    if not rows:
        return []
    known = KnownIncident(*rows[0])
    known.last_seen_at = known.last_seen_at and aware(known.last_seen_at)
    for values in select_episode.rows(incident=known.id):
        known.has_episode = True
        for name, value in zip(statements.EPISODE_FIELDS, values, strict=True):
            setattr(
                known,
                "worst" if name == "severity" else name,
                aware(value) if isinstance(value, datetime) else value,
            )
    return [known]


def of_episode(episode: Episode | None) -> dict[str, Any]:
    if episode is None:
        return {}
    values = {name: getattr(episode, name) for name in statements.EPISODE_FIELDS}
    worst = values.pop("severity")
    return {**values, "worst": worst, "has_episode": True}


def store(incidents: Sequence[KnownIncident], sender: Sender, now: datetime) -> None:
    new = [one for one in incidents if one.id is None]
    touched = [one for one in incidents if one.id is not None and one.is_touched]
    update_seen.many((one.repeats, one.last_seen_at, one.id) for one in touched if not one.history)
    update_changed.many(
        (one.repeats, one.last_seen_at, one.status, one.severity, now, one.id)
        for one in touched
        if one.history
    )
    # What had the key of a new one before is stored as finished by now.
    for one in new:
        one.id = insert_incident(one, sender, now)
    statements.insert_episode.many(
        (one.id, one.previous and one.previous.id, *episode_values(one))
        for one in (*new, *touched)
        if not one.has_episode
    )
    statements.update_episode.many((*episode_values(one), one.id) for one in touched if one.has_episode)
    entries = [(one.id, entry) for one in incidents if one.id is not None for entry in one.history]
    event_writer.add_all(entries, now, sender.user_id, Event.Channel.HOOK)


def insert_incident(one: KnownIncident, sender: Sender, now: datetime) -> int:
    [(pk,)] = statements.insert_past_incident.rows(
        description=one.description,
        search_text=folded(one.description),
        status=one.status,
        source=sender.source.value,
        created_at=one.created_at,
        updated_at=now,
        created_by=sender.user_id,
        idempotency_key=None,
        severity=one.severity,
        dedup_key=one.key,
        assignee=None,
        repeats=one.repeats,
        last_seen_at=one.last_seen_at,
    )
    return int(pk)


def episode_values(one: KnownIncident) -> tuple[object, ...]:
    """Return the values of `statements.EPISODE_FIELDS`."""
    return (
        one.starts_at,
        one.ended_at,
        one.worst,
        one.latest_text,
        one.link,
        one.reopened,
        one.still_firing_at,
    )
