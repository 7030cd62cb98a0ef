"""What every page's template knows."""

from typing import Any

from django.http import HttpRequest

from incidents.models import Status
from users.models import Action, User


def roles(request: HttpRequest) -> dict[str, Any]:
    """Tell what the viewer may do, as `may.list`, and the words of the keys 1 to 7, as `statuses`."""
    user = getattr(request, "user", None)
    return {
        "may": {action.value: isinstance(user, User) and user.may(action) for action in Action},
        "statuses": [status.label for status in Status],
    }
