"""Template variables of every page."""

from typing import Any

from django.http import HttpRequest

from incidents.models import Status
from incidents.web import preferences
from users.models import User
from users.roles import Action


def viewer(request: HttpRequest) -> dict[str, Any]:
    """Return the viewer's permissions, e.g. `may.list`, and preferences.

    `statuses` are the labels of the keys 1 to 7.
    """
    user = getattr(request, "user", None)
    return {
        "may": {action.value: isinstance(user, User) and user.may(action) for action in Action},
        "theme": preferences.theme_of(request),
        "themes": preferences.THEMES.items(),
        "chosen_zone": preferences.chosen_zone(request),
        "statuses": [status.label for status in Status],
    }
