"""Writing many incidents at once: importing what happened elsewhere, and deleting what is long over.

One of the three writers of incidents, beside `incidents.services` and `incidents.signal_service`. A call is
one short transaction of a batch, so that other writers need not wait long.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum, auto
from typing import NamedTuple, Self

from django.db import DEFAULT_DB_ALIAS, transaction
from django.db.models import Max
from django.utils import timezone

from common.db.sequences import reserve_ids_up_to
from incidents import statements
from incidents.event_writer import MAX_SEARCH_TEXT
from incidents.feed import models as feed
from incidents.models import ACTIVE, UNFINISHED, ChangeKey, Episode, Event, Incident, Status
from incidents.search_text import folded


class ImportedEvent(NamedTuple):
    """An event as it was elsewhere, in stored values. In the order of `insert_past_event`."""

    kind: str
    at: datetime
    by: int | None
    channel: str
    status_from: str
    status_to: str
    comment: str
    severity: str | None = None
    assignee: int | None = None


class ImportedEpisode(NamedTuple):
    """What its sender said about it. In the order of `statements.insert_episode`."""

    starts_at: datetime | None
    ended_at: datetime | None
    severity: str | None
    latest_text: str
    link: str
    reopened: int
    still_firing_at: datetime | None


class ImportedIncident(NamedTuple):
    """An incident as it was elsewhere, checked by its channel.

    `key` is its idempotency key. `spare_key` recognizes it when it comes again, if it has no key of its own
    and cannot keep its id.
    """

    description: str
    source: str
    status: str
    created_at: datetime | None
    updated_at: datetime | None
    created_by: int | None
    id: int | None
    key: str | None
    spare_key: str
    events: Sequence[ImportedEvent]
    severity: str | None = None
    dedup_key: str | None = None
    assignee: int | None = None
    repeats: int = 0
    last_seen_at: datetime | None = None
    episode: ImportedEpisode | None = None

    @property
    def active_key(self) -> tuple[int | None, str] | None:
        """The user and the key of which there may be one unfinished incident, if it is such a one."""
        if self.dedup_key is None or self.status not in UNFINISHED:
            return None
        return self.created_by, self.dedup_key

    @property
    def user_and_key(self) -> tuple[int | None, str]:
        return self.created_by, self.key or self.spare_key


class Outcome(Enum):
    IMPORTED = auto()
    ALREADY_PRESENT = auto()
    KEY_REUSED = auto()  # its key belongs to an incident with other content
    KEY_IS_ACTIVE = auto()  # another unfinished incident has its dedup key


class Content(NamedTuple):
    """What two incidents have in common that are the same one."""

    description: str
    source: str
    created_at: datetime | None

    @classmethod
    def of(cls, past: ImportedIncident) -> Self:
        return cls(past.description, past.source, past.created_at)

    def is_that_of(self, past: ImportedIncident) -> bool:
        return self == (past.description, past.source, past.created_at or self.created_at)


def import_batch(batch: Sequence[ImportedIncident]) -> list[Outcome]:
    """Store incidents with their history, each under its id where that is free; return the outcome of each.

    What is here already, under the same id or key, stays as it is.
    """
    search_texts = {past.description: folded(past.description) for past in batch}
    with transaction.atomic():
        by_id = content_by_id(batch)
        by_key = content_by_key(batch)
        active = active_keys(batch)
        outcomes: list[Outcome] = []
        with_id: list[ImportedIncident] = []
        without_id: list[ImportedIncident] = []
        for past in batch:
            outcome = outcome_of(past, by_id.get(past.id), by_key.get(past.user_and_key))
            if outcome is Outcome.IMPORTED and past.active_key in active:
                outcome = Outcome.KEY_IS_ACTIVE
            outcomes.append(outcome)
            if outcome is Outcome.IMPORTED:
                (without_id if past.id is None or past.id in by_id else with_id).append(past)
                by_id.setdefault(past.id, Content.of(past))
                by_key[past.user_and_key] = Content.of(past)
                if past.active_key:
                    active.add(past.active_key)
        insert(with_id, without_id, search_texts)
    return outcomes


def outcome_of(past: ImportedIncident, same_id: Content | None, same_key: Content | None) -> Outcome:
    if past.id is not None and same_id is not None and same_id.is_that_of(past):
        return Outcome.ALREADY_PRESENT
    if same_key is None:
        return Outcome.IMPORTED
    return Outcome.ALREADY_PRESENT if same_key.is_that_of(past) else Outcome.KEY_REUSED


def content_by_id(batch: Sequence[ImportedIncident]) -> dict[int | None, Content]:
    ids = [past.id for past in batch if past.id is not None]
    rows = Incident.objects.filter(id__in=ids).values_list("id", *Content._fields)
    return {pk: Content(*content) for pk, *content in rows}


def content_by_key(batch: Sequence[ImportedIncident]) -> dict[tuple[int | None, str], Content]:
    keys: dict[int | None, list[str]] = {}
    for past in batch:
        keys.setdefault(past.created_by, []).append(past.user_and_key[1])
    found = {}
    for user, of_user in keys.items():
        made = Incident.objects.filter(created_by=user, idempotency_key__in=of_user)
        for key, *content in made.values_list("idempotency_key", *Content._fields):
            found[user, str(key)] = Content(*content)
    return found


def active_keys(batch: Sequence[ImportedIncident]) -> set[tuple[int | None, str]]:
    """Return the keys of the batch that belong to unfinished incidents here."""
    wanted = {past.active_key for past in batch if past.active_key}
    here = Incident.objects.filter(dedup_key__in={key for _user, key in wanted}, status__in=UNFINISHED)
    return wanted & {(user, str(key)) for user, key in here.values_list("created_by", "dedup_key")}


def insert(
    with_id: Sequence[ImportedIncident],
    without_id: Sequence[ImportedIncident],
    search_texts: Mapping[str, str],
) -> None:
    now = timezone.now()
    if with_id:
        reserve_ids_up_to(max(past.id or 0 for past in with_id), Incident)
    statements.insert_past_incident_with_id.many(
        [(past.id, *columns(past, past.key, search_texts, now)) for past in with_id]
    )
    stored = [(past.id, past) for past in with_id]
    for past in without_id:
        values = columns(past, past.user_and_key[1], search_texts, now)
        [(pk,)] = statements.insert_past_incident.rows(
            **dict(zip(statements.PAST_INCIDENT_FIELDS, values, strict=True))
        )
        stored.append((pk, past))
    events = [(pk, *event) for pk, past in stored for event in history(past, now)]
    statements.insert_past_event.many([(*event, True) for event in events])
    episodes = [(pk, None, *past.episode) for pk, past in stored if past.episode]
    statements.insert_episode.many(episodes)


def columns(
    past: ImportedIncident, key: str | None, search_texts: Mapping[str, str], now: datetime
) -> tuple[object, ...]:
    """Return the values of `statements.PAST_INCIDENT_FIELDS`."""
    comments = (folded(event.comment) for event in past.events if event.comment)
    return (
        past.description,
        "\n".join([search_texts[past.description], *comments])[:MAX_SEARCH_TEXT],
        past.status,
        past.source,
        past.created_at or now,
        past.updated_at or now,
        past.created_by,
        key,
        past.severity,
        past.dedup_key,
        past.assignee,
        past.repeats,
        past.last_seen_at,
    )


def history(past: ImportedIncident, now: datetime) -> Iterator[ImportedEvent] | Sequence[ImportedEvent]:
    return past.events or synthesize_history(past, now)


def synthesize_history(past: ImportedIncident, now: datetime) -> Iterator[ImportedEvent]:
    """Yield the events of an incident that comes without them: what its times and status tell."""
    channel, is_open = Event.Channel.COMMAND.value, Status.OPEN.value
    at, by = past.created_at or now, past.created_by
    yield ImportedEvent(Event.Kind.CREATED.value, at, by, channel, "", is_open, "", past.severity)
    if past.status != is_open:
        changed = Event.Kind.STATUS_CHANGED.value
        yield ImportedEvent(changed, past.updated_at or now, None, channel, is_open, past.status, "")


def delete_batch(ids: Collection[int], *, unchanged_since: datetime) -> int:
    """Delete those of the incidents that are not active and were not touched since; return how many."""
    with transaction.atomic():
        over = Incident.objects.filter(id__in=ids, updated_at__lt=unchanged_since).exclude(status__in=ACTIVE)
        still = list(over.select_for_update().values_list("id", flat=True))
        events = Event.objects.filter(incident__in=still)
        feed.note_pruned(events.aggregate(newest=Max("id"))["newest"] or 0)
        events.delete()
        ChangeKey.objects.filter(incident__in=still).delete()
        Episode.objects.filter(previous__in=still).update(previous=None)
        Episode.objects.filter(incident__in=still).delete()
        # `delete` would first load them all, to look for events that it must not leave behind.
        Incident.objects.filter(id__in=still)._raw_delete(DEFAULT_DB_ALIAS)
    return len(still)
