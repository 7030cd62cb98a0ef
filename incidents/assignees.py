"""Who may be given an incident."""

from django.db.models import Q, QuerySet

from users.models import Action, Role, User


class AssigneeNotKnown(Exception):
    """Nobody of this name may update incidents."""


def possible() -> QuerySet[User]:
    """Return the active users who may update incidents, by name."""
    may_update = Q(is_superuser=True) | Q(role__in=[role for role in Role if Action.UPDATE in role.actions])
    return User.objects.filter(may_update, is_active=True).order_by("username")


def assignee_id(username: str) -> int:
    """Return the id of a user who may be given an incident. Raises `AssigneeNotKnown`."""
    found = possible().filter(username=username).values_list("id", flat=True).first()
    if found is None:
        raise AssigneeNotKnown
    return found
