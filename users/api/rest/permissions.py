"""What a user's role allows in REST."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from users.models import User
from users.roles import Action

if TYPE_CHECKING:
    # DRF's views import this module when they load.
    from rest_framework.views import APIView


class RolePermission(BasePermission):
    """Requires a role that may do the action of the call.

    A view declares in `role_actions` what its calls do: {"list": Action.LIST, ...}.
    """

    message = _("Your role does not allow this.")

    def has_permission(self, request: Request, view: APIView) -> bool:
        if isinstance(request.user, User):
            # The root of the API has no actions: it only lists URLs.
            actions: dict[str, Action] = getattr(view, "role_actions", {})
            action = actions.get(getattr(view, "action", ""))
            return action is None or request.user.may(action)
        return settings.REST_PUBLIC
