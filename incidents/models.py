"""What happened and what became of it: an incident and its events."""

from __future__ import annotations

from datetime import datetime
from typing import Self, TypeAlias

from django.conf import settings
from django.db import models
from django.db.models import Expression, F, Q, Value
from django.db.models.functions import StrIndex
from django.db.models.lookups import GreaterThan
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from incidents import validators
from incidents.event_choices import EventChannel, EventKind
from incidents.search_text import folded
from incidents.severity import Severity


class Status(models.TextChoices):
    OPEN = "open", pgettext_lazy("status", "Open")
    IN_PROGRESS = "in_progress", pgettext_lazy("status", "In progress")
    RESOLVED = "resolved", pgettext_lazy("status", "Resolved")
    CLOSED = "closed", pgettext_lazy("status", "Closed")
    CANCELLED = "cancelled", pgettext_lazy("status", "Cancelled")
    FAKE = "fake", pgettext_lazy("status", "False alarm")
    UNKNOWN = "unknown", pgettext_lazy("status", "Unknown")


class Source(models.TextChoices):
    OPERATOR = "operator", pgettext_lazy("source", "Operator")
    MONITORING = "monitoring", pgettext_lazy("source", "Monitoring")
    PARTNER = "partner", pgettext_lazy("source", "Partner")
    SYSTEM = "system", pgettext_lazy("source", "System")
    UNKNOWN = "unknown", pgettext_lazy("source", "Unknown")


ACTIVE = (Status.OPEN, Status.IN_PROGRESS)
FINISHED = (Status.RESOLVED, Status.CLOSED, Status.CANCELLED, Status.FAKE)
# At most one incident with one of these has a given key of a sender.
UNFINISHED = (*ACTIVE, Status.UNKNOWN)


class IncidentQuerySet(models.QuerySet["Incident"]):
    def newest_first(self) -> Self:
        return self.order_by("-created_at", "-id")

    def older_than(self, created_at: datetime | Expression, pk: int | Expression) -> Self:
        """Keep what comes after the incident of this time and id in the order of `newest_first`."""
        # The plain form (a < x OR a = x AND b < y) walks the index from its start.
        return self.filter(created_at__lte=created_at).filter(Q(created_at__lt=created_at) | Q(id__lt=pk))

    def oldest_first(self) -> Self:
        return self.order_by("created_at", "id")

    def newer_than(self, created_at: datetime | Expression, pk: int | Expression) -> Self:
        """Keep what comes after the incident of this time and id in the order of `oldest_first`."""
        return self.filter(created_at__gte=created_at).filter(Q(created_at__gt=created_at) | Q(id__gt=pk))

    def mentioning(self, text: str) -> Self:
        # LIKE takes time by the product of both lengths (sqlite.org/optoverview.html#the_like_optimization).
        return self.filter(GreaterThan(StrIndex("search_text", Value(folded(text))), 0))


class Incident(models.Model):
    description = models.TextField(_("description"), max_length=validators.MAX_DESCRIPTION_LENGTH)
    search_text = models.TextField(editable=False)
    status = models.CharField(_("status"), max_length=20, choices=Status, default=Status.OPEN)
    source = models.CharField(_("source"), max_length=20, choices=Source)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    updated_at = models.DateTimeField(_("updated at"), default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        db_index=False,
        related_name="+",
        verbose_name=_("reported by"),
    )
    idempotency_key = models.CharField(max_length=validators.MAX_KEY_LENGTH, null=True, editable=False)  # noqa: DJ001
    severity = models.CharField(_("severity"), max_length=20, choices=Severity, null=True, blank=True)  # noqa: DJ001
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
        verbose_name=_("assignee"),
    )
    dedup_key = models.CharField(  # noqa: DJ001
        _("key"), max_length=validators.MAX_DEDUP_KEY_LENGTH, null=True, editable=False
    )
    repeats = models.IntegerField(_("repeats"), db_default=0, editable=False)
    last_seen_at = models.DateTimeField(_("last seen at"), null=True, editable=False)

    objects = IncidentQuerySet.as_manager()

    class Meta:
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        indexes = [
            models.Index(fields=["created_at", "id"], name="incident_by_created"),
            models.Index(fields=["updated_at", "id"], name="incident_by_updated"),
            models.Index(fields=["status", "created_at", "id"], name="incident_by_status"),
            models.Index(fields=["source", "created_at", "id"], name="incident_by_source"),
            models.Index(
                fields=["severity", "created_at", "id"],
                condition=Q(severity__isnull=False),
                name="incident_by_severity",
            ),
            models.Index(
                fields=["assignee", "created_at", "id"],
                condition=Q(assignee__isnull=False),
                name="incident_by_assignee",
            ),
            # Of the finished ones there are ever more, and the page asks for the others.
            models.Index(
                fields=["severity", "status", "created_at", "id"],
                condition=Q(severity__isnull=False),
                name="incident_by_severity_status",
            ),
            models.Index(
                fields=["assignee", "status", "created_at", "id"],
                condition=Q(assignee__isnull=False),
                name="incident_by_assignee_status",
            ),
            models.Index(
                fields=["dedup_key", "created_by", "status", "id"],
                condition=Q(dedup_key__isnull=False),
                name="incident_by_key",
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=Status.values), name="incident_status_is_known"),
            models.CheckConstraint(condition=Q(source__in=Source.values), name="incident_source_is_known"),
            models.UniqueConstraint(
                fields=["created_by", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="incident_key_once_a_user",
            ),
            models.UniqueConstraint(
                fields=["idempotency_key"],
                condition=Q(created_by__isnull=True, idempotency_key__isnull=False),
                name="incident_key_once_without_user",
            ),
            models.CheckConstraint(
                condition=Q(severity__in=Severity.values), name="incident_severity_is_known"
            ),
            models.UniqueConstraint(
                fields=["dedup_key", "created_by"],
                condition=Q(dedup_key__isnull=False, status__in=UNFINISHED),
                name="incident_active_key_once_a_user",
            ),
            models.UniqueConstraint(
                fields=["dedup_key"],
                condition=Q(created_by__isnull=True, dedup_key__isnull=False, status__in=UNFINISHED),
                name="incident_active_key_once_without_user",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.description[:60]}"


class IncidentCount(models.Model):
    """How many incidents of a status and a source there are, as the sum of `number` over their rows.

    The database itself keeps them with every write of incidents (incidents/counts/triggers.py).
    """

    status = models.CharField(max_length=20, choices=Status)
    source = models.CharField(max_length=20, choices=Source)
    number = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.status}, {self.source}: {self.number}"


class Event(models.Model):
    """One thing that happened to an incident. Events are only ever added."""

    Kind: TypeAlias = EventKind
    Channel: TypeAlias = EventChannel

    incident = models.ForeignKey(
        Incident,
        on_delete=models.PROTECT,
        related_name="events",
        verbose_name=_("incident"),
    )
    kind = models.CharField(_("what"), max_length=20, choices=Kind)
    at = models.DateTimeField(_("when"), default=timezone.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        db_index=False,
        related_name="+",
        verbose_name=_("who"),
    )
    # The column has the name under which the API shows it.
    channel = models.CharField(_("through"), max_length=20, choices=Channel, db_column="door")
    status_from = models.CharField(_("from"), max_length=20, choices=Status, blank=True)
    status_to = models.CharField(_("to"), max_length=20, choices=Status)
    comment = models.TextField(_("comment"), max_length=validators.MAX_COMMENT_LENGTH, blank=True)
    # Of a new incident, and of a change of it; None where it was cleared.
    severity = models.CharField(_("severity"), max_length=20, choices=Severity, null=True, blank=True)  # noqa: DJ001
    # Who has the incident since this event; None where it was given back.
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
        verbose_name=_("assignee"),
    )
    # True: it happened elsewhere, and is no news to those who are told of events.
    imported = models.BooleanField(null=True, editable=False)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("history")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status_to__in=Status.values)
                & (Q(status_from__in=Status.values) | Q(status_from="")),
                name="event_status_is_known",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=EventKind.values) & Q(channel__in=EventChannel.values),
                name="event_kind_and_door_are_known",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["status_changed", "reopened"])
                | Q(status_from="")
                | Q(status_from=F("status_to")),
                name="event_changes_only_if_it_says_so",
            ),
            models.CheckConstraint(condition=Q(severity__in=Severity.values), name="event_severity_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} → {self.get_status_to_display()}"


class ChangeKey(models.Model):
    """The idempotency key of a change: the same call again changes nothing."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, db_index=False, related_name="+"
    )
    key = models.CharField(max_length=validators.MAX_KEY_LENGTH)

    class Meta:
        indexes = [models.Index(fields=["key", "user"], name="change_by_key")]

    def __str__(self) -> str:
        return f"{self.key}: #{self.incident_id}"


class Episode(models.Model):
    """What its sender says about an incident, beside what becomes of it here (incidents.signal_service).

    `previous` had the key before. `starts_at` is the sender's; `ended_at` is when it resolved the incident,
    None if a person did. `latest_text` is the description of the last repeat, if it is another one.
    `still_firing_at` is when its sender last repeated what a person had finished.
    """

    incident = models.OneToOneField(Incident, on_delete=models.CASCADE, primary_key=True)
    previous = models.ForeignKey(
        Incident, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    starts_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    severity = models.CharField(max_length=20, choices=Severity, null=True)  # noqa: DJ001
    latest_text = models.TextField(blank=True)
    link = models.TextField(blank=True)
    reopened = models.IntegerField(default=0)
    still_firing_at = models.DateTimeField(null=True)

    class Meta:
        # Few have one, and each entry of an index is a page to write.
        indexes = [
            models.Index(
                fields=["previous"], condition=Q(previous__isnull=False), name="episode_by_previous"
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.incident_id}"
