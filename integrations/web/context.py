"""What administrators are told above the queue."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from integrations.outbound import ticks
from integrations.outbound.models import Destination
from integrations.outbound.waiting import in_words

MAX_NOTICES = 5


@dataclass(frozen=True, slots=True)
class Notice:
    text: str
    url: str


def administrator_notices(request: HttpRequest) -> dict[str, Callable[[], list[Notice]]]:
    """Return a function that looks only in the pages that call it."""

    def notices() -> list[Notice]:
        user: Any = getattr(request, "user", None)
        return delivery_notices() if user is not None and user.is_superuser else []

    return {"administrator_notices": notices}


def delivery_notices() -> list[Notice]:
    """Say which destinations were disabled by failures, and if nothing is delivered at all."""
    known = Destination.objects.filter(Q(enabled=True) | ~Q(disabled_because=""))
    found = list(known.only("name", "enabled", "disabled_because").order_by("enabled", "-disabled_at"))
    disabled = [one for one in found if not one.enabled]
    notices = [
        Notice(
            _("The destination %(name)s was disabled: %(reason)s")
            % {"name": one.name, "reason": in_words(one.disabled_because)},
            reverse("connections:destination", args=[one.pk]),
        )
        for one in disabled[:MAX_NOTICES]
    ]
    if len(disabled) < len(found) and not ticks.is_recent(ticks.last_tick()):
        notices.append(
            Notice(
                _("The dispatcher does not run: nothing is delivered."),
                reverse("connections:overview"),
            )
        )
    return notices
