"""How bad an incident is, in the words of PagerDuty's events."""

from django.db import models
from django.utils.translation import pgettext_lazy


class Severity(models.TextChoices):
    """From the worst to the least."""

    CRITICAL = "critical", pgettext_lazy("severity", "Critical")
    ERROR = "error", pgettext_lazy("severity", "Error")
    WARNING = "warning", pgettext_lazy("severity", "Warning")
    INFO = "info", pgettext_lazy("severity", "Info")

    def is_worse_than(self, other: str | None) -> bool:
        """Compare with a severity; None, when nobody has said one, is the least of all."""
        order = list(Severity)
        return other is None or order.index(self) < order.index(Severity(other))
