"""What events are, and how they come."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class EventKind(models.TextChoices):
    CREATED = "created", _("Created")
    STATUS_CHANGED = "status_changed", _("Status changed")
    COMMENTED = "commented", _("Commented")
    SEVERITY = "severity", _("Severity changed")
    ASSIGNED = "assigned", _("Assigned")
    REOPENED = "reopened", _("Reopened")


class EventChannel(models.TextChoices):
    POST = "post", _("POST API")
    REST = "rest", _("REST API")
    PAGE = "page", _("Operators' page")
    ADMIN = "admin", _("Administration")
    COMMAND = "command", _("Command line")
    HOOK = "hook", _("Monitoring")
