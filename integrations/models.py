"""The monitoring systems that report by themselves, and the newest posts of each."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from incidents.models import Source
from incidents.severity import Severity

MAX_NAME_LENGTH = 100
MAX_MINUTES = 60 * 24 * 366
MAX_SEVERITIES = 200
# The entry of a severity table for all values that it does not name.
ANY_OTHER = "*"


class Kind(models.TextChoices):
    ALERTMANAGER = "alertmanager", "Prometheus Alertmanager"
    GRAFANA = "grafana", "Grafana"
    UPTIME_KUMA = "uptime-kuma", "Uptime Kuma"
    ZABBIX = "zabbix", "Zabbix"
    HEALTHCHECKS = "healthchecks", "Healthchecks"
    PAGERDUTY = "pagerduty", _("PagerDuty Events API v2")
    GENERIC = "generic", _("Any program (curl)")


class Grouping(models.TextChoices):
    ALERT = "alert", _("An incident for each alert")
    GROUP = "group", _("An incident for each group of alerts")


def validate_severities(table: object) -> None:
    """Accept `{"page": "critical", "ticket": null, "*": "warning"}`: the sender's values, in lower case."""
    if (
        not isinstance(table, dict)
        or len(table) > MAX_SEVERITIES
        or not all(
            isinstance(name, str) and name.isprintable() and name == name.strip().lower() for name in table
        )
        or not all(severity is None or severity in list(Severity) for severity in table.values())
    ):
        raise ValidationError(
            _('Write the sender\'s values in lower case, and ours for them: {"page": "critical", "*": null}.')
        )


class Integration(models.Model):
    """One sender. Its user reports the incidents and appears in histories by the integration's name."""

    token = ""  # of one that was connected by this object, never stored

    name = models.CharField(_("name"), max_length=MAX_NAME_LENGTH, unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    source = models.CharField(
        _("source of its incidents"), max_length=20, choices=Source, default=Source.MONITORING
    )
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        editable=False,
        related_name="integration",
        verbose_name=_("user"),
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    previous_digest = models.CharField(max_length=64, null=True, unique=True, editable=False)  # noqa: DJ001
    previous_valid_until = models.DateTimeField(null=True, editable=False)
    grouping = models.CharField(_("grouping"), max_length=10, choices=Grouping, default=Grouping.ALERT)
    severities = models.JSONField(
        _("severities"),
        default=dict,
        blank=True,
        validators=[validate_severities],
        help_text=_('By the sender\'s values: {"page": "critical", "*": null}; "*" is any other value.'),
    )
    reopen_minutes = models.PositiveIntegerField(
        _("reopens within, minutes"),
        default=10,
        validators=[MaxValueValidator(MAX_MINUTES)],
        help_text=_("An alert that comes back so soon after its end reopens its incident."),
    )
    stale_minutes = models.PositiveIntegerField(
        _("stale after, minutes"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_MINUTES)],
        help_text=_(
            "An active incident of which the sender said nothing for so long is marked. Empty: never."
        ),
    )
    resolves_stale = models.BooleanField(
        _("resolves what is stale"),
        default=False,
        help_text=_("Where the end of an alert may never come. If the sender repeats it, it is reopened."),
    )
    stale_checked_at = models.DateTimeField(default=timezone.now, editable=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    first_received_at = models.DateTimeField(_("first received at"), null=True, editable=False)
    last_received_at = models.DateTimeField(_("last received at"), null=True, editable=False)

    class Meta:
        verbose_name = _("connection")
        verbose_name_plural = _("connections")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="integration_kind_is_known"),
            models.CheckConstraint(condition=Q(source__in=Source.values), name="integration_source_is_known"),
            models.CheckConstraint(
                condition=Q(grouping__in=Grouping.values), name="integration_grouping_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Outcome(models.TextChoices):
    """What became of a post. Without one its processing has not ended, or the process has."""

    PROCESSED = "processed", _("Processed")
    TEST = "test", _("Test received")
    IGNORED = "ignored", _("Nothing to do")
    REFUSED = "refused", _("Refused")
    FAILED = "failed", _("Failed")


class ReceivedPost(models.Model):
    """One post of an integration as it came, without secrets, and what became of it."""

    integration = models.ForeignKey(
        Integration,
        on_delete=models.CASCADE,
        db_index=False,
        related_name="posts",
        verbose_name=_("connection"),
    )
    at = models.DateTimeField(_("received at"))
    method = models.CharField(_("method"), max_length=4)
    content_type = models.CharField(_("media type"), max_length=200, blank=True)
    body = models.TextField(_("body"), blank=True)
    size = models.PositiveIntegerField(_("bytes"))
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome, blank=True)
    status = models.PositiveSmallIntegerField(_("status"), null=True)
    response = models.TextField(_("response"), blank=True)

    class Meta:
        verbose_name = _("received post")
        verbose_name_plural = _("received posts")
        ordering = ["-id"]
        indexes = [models.Index(fields=["integration", "id"], name="received_post_of_integration")]
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=["", *Outcome.values]), name="received_post_outcome_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.integration_id}/{self.pk}: {self.get_outcome_display()}"
