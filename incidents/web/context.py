"""Template variables of every page."""

from typing import Any

from django.http import HttpRequest

from incidents.models import Status
from users.models import User
from users.roles import Action


def roles(request: HttpRequest) -> dict[str, Any]:
    """Return the viewer's permissions, e.g. `may.list`, and as `statuses` the labels of the keys 1 to 7."""
    user = getattr(request, "user", None)
    return {
        "may": {action.value: isinstance(user, User) and user.may(action) for action in Action},
        "statuses": [status.label for status in Status],
    }
