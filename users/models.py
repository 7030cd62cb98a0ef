"""Users with a role, their tokens, and the counts of failed logins."""

import hashlib
from collections.abc import Collection, Iterator

from asgiref.sync import sync_to_async
from django.contrib.auth.hashers import make_password, verify_password
from django.contrib.auth.models import AbstractUser, Permission
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from users.roles import Action, Role


class User(AbstractUser):
    role = models.CharField(
        _("role"),
        max_length=20,
        choices=Role,
        default=Role.OPERATOR,
        help_text=_(
            "Operator: create, list, update. Reporter: create, and finish what it has reported."
            " Viewer: list only."
        ),
    )

    last_seen_at = models.DateTimeField(_("last seen at"), null=True, editable=False)  # by day
    sessions_ended_at = models.DateTimeField(null=True, editable=False)

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(condition=Q(role__in=Role.values), name="user_role_is_known"),
        ]

    def may(self, action: Action) -> bool:
        return self.is_superuser or action in Role(self.role).actions

    def may_all(self, actions: Collection[Action]) -> bool:
        return all(map(self.may, actions))

    def has_all_rights_of(self, other: "User") -> bool:
        """Tell whether `other`, active or not, may do nothing that this user may not."""
        return self.is_superuser or (
            not other.is_superuser
            and self.is_staff >= other.is_staff
            and self.may_all(Role(other.role).actions)
            and other.own_permissions() <= self.own_permissions()
        )

    def own_permissions(self) -> set[int]:
        """Return the ids of the user's permissions; Django's own methods return none for the inactive."""
        granted = Permission.objects.filter(Q(user=self) | Q(group__user=self))
        return set(granted.values_list("pk", flat=True))

    def get_session_auth_hash(self) -> str:
        return super().get_session_auth_hash() + self.generation_of_sessions()

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        return (old + self.generation_of_sessions() for old in super().get_session_auth_fallback_hash())

    def generation_of_sessions(self) -> str:
        ended_at = self.sessions_ended_at
        return f" {ended_at.timestamp()}" if ended_at else ""

    def end_sessions(self) -> None:
        """End all sessions of this user: they have the hash of another generation."""
        self.sessions_ended_at = timezone.now()
        self.save(update_fields=["sessions_ended_at"])

    def check_password(self, raw_password: str | None) -> bool:
        """Tell whether this is the password; upgrade its hash to Django's present algorithm."""
        is_right, is_outdated = verify_password(raw_password, self.password)
        if is_right and is_outdated and not self.upgrade_hash(raw_password):
            # A parallel login has upgraded it, or the password has been changed.
            self.refresh_from_db(fields=["password"])
            return self.check_password(raw_password)
        return is_right

    async def acheck_password(self, raw_password: str | None) -> bool:
        return await sync_to_async(self.check_password)(raw_password)

    def upgrade_hash(self, password: str | None) -> bool:
        """Store a new hash of the same password; tell whether the old hash was still the stored one.

        The user's tokens stay valid: the password has not changed.
        """
        old, new = self.password, make_password(password)
        with transaction.atomic():
            if not User.objects.filter(pk=self.pk, password=old).update(password=new):
                return False
            self.tokens.filter(fingerprint=fingerprint(old)).update(fingerprint=fingerprint(new))
        self.password = new
        return True


class Token(models.Model):
    """A right to call the API as its user. Of the secret only the SHA-256 is stored."""

    secret = ""  # of a token that was issued by this object, never stored

    digest = models.CharField(_("digest"), max_length=64, primary_key=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens", verbose_name=_("user"))
    name = models.CharField(
        _("name"),
        max_length=100,
        blank=True,
        help_text=_("Which machine or script uses it. Empty for a login's token."),
    )
    issued_by = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("issued by"),
    )
    fingerprint = models.CharField(_("fingerprint of the password"), max_length=64, editable=False)
    created_at = models.DateTimeField(_("created at"), editable=False)
    expires_at = models.DateTimeField(_("expires at"), db_index=True)
    last_used_at = models.DateTimeField(_("last used at"), null=True, editable=False)

    class Meta:
        verbose_name = _("token")
        verbose_name_plural = _("tokens")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name or f"{self.digest[:8]}…"


def fingerprint(password_hash: str) -> str:
    return hashlib.sha256(password_hash.encode()).hexdigest()


class LoginAttempts(models.Model):
    """How many logins a key (a name at an address, an address, a network) has tried in its present window."""

    key = models.CharField(max_length=64, primary_key=True)
    count = models.PositiveIntegerField()
    window_ends_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.key[:8]}…: {self.count}"


class KnownLogin(models.Model):
    """A name and a network from which it has logged in lately; the key is their digest."""

    key = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.key[:8]}…"
