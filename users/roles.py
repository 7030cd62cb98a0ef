"""Roles of users, and what each may do with incidents."""

import enum

from django.db import models
from django.utils.translation import gettext_lazy as _


class Action(enum.Enum):
    """What a user may do with incidents; to read the history of one is part of `LIST`."""

    CREATE = "create"
    LIST = "list"
    UPDATE = "update"
    FINISH_OWN = "finish_own"  # to resolve and comment, by its key, what the user has reported


class Role(models.TextChoices):
    OPERATOR = "operator", _("Operator")
    REPORTER = "reporter", _("Reporter")
    VIEWER = "viewer", _("Viewer")

    @property
    def actions(self) -> frozenset[Action]:
        return ROLE_ACTIONS[self]


ROLE_ACTIONS = {
    Role.OPERATOR: frozenset(Action),
    Role.REPORTER: frozenset({Action.CREATE, Action.FINISH_OWN}),
    Role.VIEWER: frozenset({Action.LIST}),
}
