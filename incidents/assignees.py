"""Who may be given an incident, and whose incidents a list is asked for."""

from django.db.models import Q, QuerySet

from incidents.validators import has_forbidden_characters
from users.models import User
from users.roles import Action, Role

ME = "me"
NOBODY = "none"


class AssigneeNotKnown(Exception):
    """Nobody has this name, or who has it may not update incidents."""


def possible() -> QuerySet[User]:
    """Return the active users who may update incidents, by name."""
    may_update = Q(is_superuser=True) | Q(role__in=[role for role in Role if Action.UPDATE in role.actions])
    return User.objects.filter(may_update, is_active=True).order_by("username")


def assignee_id(username: str) -> int:
    """Return the id of a user who may be given an incident. Raises `AssigneeNotKnown`."""
    return id_of(username, possible())


def chosen(text: str, user_id: int | None) -> int | None:
    """Return the id of the user whose incidents a list is asked for: `me`, `none` (None) or a username.

    `user_id` is that of the user who asks. Raises `AssigneeNotKnown`.
    """
    if text == NOBODY:
        return None
    if text == ME and user_id is not None:
        return user_id
    # Who may update no more is still the assignee of what is finished.
    return id_of(text, User.objects.all())


def id_of(username: str, users: QuerySet[User]) -> int:
    if has_forbidden_characters(username):  # PostgreSQL takes no NUL.
        raise AssigneeNotKnown
    found = users.filter(username=username).values_list("id", flat=True).first()
    if found is None:
        raise AssigneeNotKnown
    return found
