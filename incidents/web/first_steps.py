"""What a superuser of a new service is led to do."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from incidents.counts import totals
from users.models import User

# With more, the service is no longer new.
MAX_INCIDENTS = 10


@dataclass(frozen=True)
class Step:
    label: str | Promise
    url: str
    done: bool


def first_steps(viewer: User) -> list[Step]:
    """Return the steps while one of them is not done; none to others, and none in a service in use."""
    number = totals.number_of()
    if not viewer.is_superuser or number >= MAX_INCIDENTS:
        return []
    connected = User.objects.filter(integration__isnull=False).exists()
    has_colleague = User.objects.filter(integration__isnull=True).exclude(pk=viewer.pk).exists()
    steps = [
        Step(_("Report the first incident"), reverse("web:report"), number > 0),
        Step(_("Connect a monitoring system"), reverse("connections:overview"), connected),
        Step(_("Add a colleague"), reverse("web:people") + "#add-title", has_colleague),
    ]
    outgoing = Step(
        _("Switch notifications on"), reverse("connections:overview") + "#destinations", done=False
    )
    return [] if all(step.done for step in steps) else [*steps, outgoing]
