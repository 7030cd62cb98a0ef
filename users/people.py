"""What a superuser does with other users: roles, deactivation, links to choose a password.

Each change is an entry in the log of the administration.
"""

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.hashers import make_password
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from users.models import User
from users.roles import Role

# On the page beside the roles; in the database a superuser's role is never asked.
ADMINISTRATOR = "administrator"
ROLES = [*Role.choices, (ADMINISTRATOR, _("Administrator"))]


class LastSuperuser(Exception):
    """The change would leave no active superuser."""


def is_last_superuser(user: User) -> bool:
    superusers = User.objects.filter(is_active=True, is_staff=True, is_superuser=True)
    return list(superusers.values_list("pk", flat=True)[:2]) == [user.pk]


def role_of(user: User) -> str:
    return ADMINISTRATOR if user.is_superuser else user.role


def invite(username: str, role: str, by: User) -> User:
    """Make a user without a password, who chooses one by a link."""
    user = User(username=username, password=make_password(None))
    give_role(user, role)
    with transaction.atomic():
        user.save()
        log(user, by, ADDITION, role)
    return user


def change_role(user: User, role: str, by: User) -> None:
    """Raises `LastSuperuser`."""
    with transaction.atomic():
        lock_superusers()
        if role != ADMINISTRATOR and is_last_superuser(user):
            raise LastSuperuser
        give_role(user, role)
        user.save(update_fields=["role", "is_staff", "is_superuser"])
        log(user, by, CHANGE, role)


def give_role(user: User, role: str) -> None:
    if role != ADMINISTRATOR:
        user.role = role
    user.is_superuser = user.is_staff = role == ADMINISTRATOR


def deactivate(user: User, by: User) -> None:
    """End the user's sessions, tokens and links for good. Raises `LastSuperuser`."""
    with transaction.atomic():
        lock_superusers()
        if is_last_superuser(user):
            raise LastSuperuser
        user.is_active = False
        user.sessions_ended_at = timezone.now()
        user.save(update_fields=["is_active", "sessions_ended_at"])
        user.tokens.all().delete()
        log(user, by, CHANGE, "deactivated")


def activate(user: User, by: User) -> None:
    with transaction.atomic():
        user.is_active = True
        user.save(update_fields=["is_active"])
        log(user, by, CHANGE, "activated")


def lock_superusers() -> None:
    """Let two superusers who take each other's rights wait for each other."""
    superusers = User.objects.select_for_update().filter(is_superuser=True).order_by("pk")
    list(superusers.values_list("pk"))


def log(user: User, by: User, action: int, message: str) -> None:
    LogEntry.objects.create(
        user=by,
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(user.pk),
        object_repr=str(user),
        action_flag=action,
        change_message=message,
    )


class LinkTokens(PasswordResetTokenGenerator):
    """The tokens of links by which a user chooses a password.

    Nothing of a token is stored. It ends after PASSWORD_RESET_TIMEOUT, with a new password or a login of its
    user, and when their sessions are ended, as a deactivation does.
    """

    key_salt = "users.people.LinkTokens"

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        return super()._make_hash_value(user, timestamp) + user.generation_of_sessions()


link_tokens = LinkTokens()


def choose_password(user: User, token: str, password: str) -> bool:
    """Set the password by a link's token; tell whether the token was valid, which it is only once."""
    if not link_tokens.check_token(user, token):
        return False
    new = make_password(password)
    with transaction.atomic():
        stored = User.objects.filter(pk=user.pk, is_active=True, password=user.password)
        return bool(stored.update(password=new))
