"""Destinations that are told of events, and what became of each delivery."""

from __future__ import annotations

import secrets
from typing import TypeAlias

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from incidents.models import Event, Incident
from integrations.outbound.encryption import decrypt, encrypt

MAX_ERROR_LENGTH = 500
MAX_DELAY_MINUTES = 7 * 24 * 60


class Transport(models.TextChoices):
    WEBHOOK = "webhook", _("Webhook")
    EMAIL = "email", _("E-mail")
    TELEGRAM = "telegram", "Telegram"
    MAX = "max", "MAX"
    APPRISE = "apprise", "Apprise"

    @property
    def is_for_people(self) -> bool:
        """People get few messages, texts and digests; machines get every event."""
        return self is not Transport.WEBHOOK


class Destination(models.Model):
    """An address with what it wants to hear of; an empty list of kinds, statuses ... chooses all.

    Only events with ids above `starts_after` are delivered: those since it was made, or was enabled again.
    """

    name = models.CharField(_("name"), max_length=100, unique=True)
    transport = models.CharField(_("transport"), max_length=20, choices=Transport)
    address = models.CharField(_("address"), max_length=1000)
    encrypted_secret = models.TextField(editable=False, blank=True)
    previous_secret = models.TextField(editable=False, blank=True)
    previous_secret_until = models.DateTimeField(null=True, editable=False)
    kinds = models.JSONField(default=list, blank=True)
    statuses = models.JSONField(default=list, blank=True)
    sources = models.JSONField(default=list, blank=True)
    severities = models.JSONField(default=list, blank=True)
    # A machine that changes incidents itself need not be told of that.
    skipped_user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("except what this user does"),
    )
    delay_minutes = models.PositiveIntegerField(
        _("delay in minutes"), default=0, validators=[MaxValueValidator(MAX_DELAY_MINUTES)]
    )
    quiet_from = models.TimeField(_("quiet from"), null=True, blank=True)
    quiet_to = models.TimeField(_("quiet to"), null=True, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    language = models.CharField(
        _("language"), max_length=8, choices=settings.LANGUAGES, default=settings.LANGUAGE_CODE
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    # Blank if an administrator disabled it.
    disabled_because = models.CharField(max_length=MAX_ERROR_LENGTH, blank=True)
    disabled_at = models.DateTimeField(null=True, editable=False)
    # When another destination is to be told that this one was disabled.
    notice_due = models.DateTimeField(null=True, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    # Nothing is sent before, as it fails.
    held_until = models.DateTimeField(null=True, editable=False)
    last_success_at = models.DateTimeField(null=True, editable=False)
    starts_after = models.BigIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("destination")
        verbose_name_plural = _("destinations")

    def __str__(self) -> str:
        return self.name

    @property
    def secret(self) -> str:
        """The secret in the clear. Raises `encryption.Unreadable`."""
        return decrypt(self.encrypted_secret)

    @secret.setter
    def secret(self, value: str) -> None:
        self.encrypted_secret = encrypt(value)

    def wants(self, event: Event, incident: Incident) -> bool:
        chosen = (
            (self.kinds, event.kind),
            (self.statuses, event.status_to),
            (self.sources, incident.source),
            (self.severities, incident.severity),
        )
        is_own = event.by_id is not None and event.by_id == self.skipped_user_id
        is_chosen = all(not values or value in values for values, value in chosen)
        return event.pk > self.starts_after and not is_own and is_chosen


class DeliveryState(models.TextChoices):
    PENDING = "pending", _("Pending")
    DONE = "done", _("Delivered")
    DEAD = "dead", _("Given up")
    CANCELLED = "cancelled", _("Cancelled")


def new_message_id() -> str:
    return f"msg_{secrets.token_urlsafe(18)}"


class Delivery(models.Model):
    """One event for one destination. Events may be pruned meanwhile, so it refers to them by id alone.

    Until `lease_until` it is sent by the dispatcher with the `lease`; afterwards any other takes it over. All
    attempts have the same `message_id`, by which a receiver recognizes one that it has had already.
    """

    State: TypeAlias = DeliveryState

    destination = models.ForeignKey(Destination, on_delete=models.CASCADE, related_name="deliveries")
    event_id = models.BigIntegerField()
    incident_id = models.BigIntegerField()
    message_id = models.CharField(max_length=64, default=new_message_id)
    state = models.CharField(max_length=20, choices=DeliveryState, default=DeliveryState.PENDING)
    attempts = models.IntegerField(default=0)
    next_at = models.DateTimeField(default=timezone.now)
    lease = models.CharField(max_length=32, blank=True)
    lease_until = models.DateTimeField(null=True)
    # Why it waits, or why it is cancelled; of an attempt, its outcome.
    reason = models.CharField(max_length=MAX_ERROR_LENGTH, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["destination", "event_id"], name="delivery_once_an_event"),
        ]
        indexes = [
            models.Index(
                fields=["destination", "event_id"],
                condition=models.Q(state="pending"),
                name="delivery_pending",
            ),
            models.Index(
                fields=["destination", "incident_id", "event_id"],
                condition=models.Q(state="pending"),
                name="delivery_of_incident",
            ),
            models.Index(
                fields=["destination", "event_id"],
                condition=models.Q(state="dead"),
                name="delivery_dead",
            ),
            models.Index(fields=["finished_at"], name="delivery_by_end"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id}: {self.state}"


class Attempt(models.Model):
    """One attempt: `status` is HTTP's or 0, `reason` the first of the response or what went wrong."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempt_set")
    at = models.DateTimeField()
    milliseconds = models.IntegerField()
    success = models.BooleanField()
    status = models.IntegerField(default=0)
    reason = models.CharField(max_length=MAX_ERROR_LENGTH, blank=True)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.status}"


class Thread(models.Model):
    """The first message about an incident at a channel, to which the later ones reply."""

    destination = models.ForeignKey(Destination, on_delete=models.CASCADE, related_name="+")
    incident_id = models.BigIntegerField()
    message = models.CharField(max_length=200)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["destination", "incident_id"], name="thread_once_an_incident"),
        ]

    def __str__(self) -> str:
        return f"#{self.incident_id}: {self.message}"


class SendingTest(models.Model):
    """The last test of a destination that the page asked for; the dispatcher sends it."""

    destination = models.OneToOneField(Destination, on_delete=models.CASCADE, related_name="sending_test")
    requested_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    success = models.BooleanField(default=False)
    status = models.IntegerField(default=0)
    reason = models.CharField(max_length=MAX_ERROR_LENGTH, blank=True)
    milliseconds = models.IntegerField(default=0)

    def __str__(self) -> str:
        return f"test of {self.destination_id} at {self.requested_at:%Y-%m-%d %H:%M:%S}"


class DispatcherState(models.Model):
    """The one row of the dispatchers: deliveries are made for the events up to `through` of `epoch`."""

    through = models.BigIntegerField(default=0)
    epoch = models.CharField(max_length=16, blank=True)
    last_tick_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"through event {self.through}"
