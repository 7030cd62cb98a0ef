"""Who may come in: users with a role, the tokens of their scripts, the count of failed logins."""

import enum
import hashlib

from django.contrib.auth.hashers import make_password, verify_password
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.db.transactions import write_transaction


class Action(enum.Enum):
    """What somebody may do with incidents; reading one's history is part of `LIST`."""

    CREATE = "create"
    LIST = "list"
    UPDATE = "update"


class Role(models.TextChoices):
    OPERATOR = "operator", _("Operator")
    REPORTER = "reporter", _("Reporter")
    VIEWER = "viewer", _("Viewer")

    @property
    def actions(self) -> frozenset[Action]:
        return ROLE_ACTIONS[self]


ROLE_ACTIONS = {
    Role.OPERATOR: frozenset(Action),
    Role.REPORTER: frozenset({Action.CREATE}),
    Role.VIEWER: frozenset({Action.LIST}),
}


class User(AbstractUser):
    role = models.CharField(
        _("role"),
        max_length=20,
        choices=Role,
        default=Role.OPERATOR,
        help_text=_("Operator: create, list, update. Reporter: create only. Viewer: list only."),
    )

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(condition=Q(role__in=Role.values), name="user_role_is_known"),
        ]

    def may(self, action: Action) -> bool:
        return self.is_superuser or action in Role(self.role).actions

    def check_password(self, raw_password: str | None) -> bool:
        """Tell whether this is the password; keep it as Django hashes by now."""
        right, outdated = verify_password(raw_password, self.password)
        if right and outdated and not self.hash_anew(raw_password):
            # Another login was faster, or the password is a new one since.
            self.refresh_from_db(fields=["password"])
            return self.check_password(raw_password)
        return right

    def hash_anew(self, password: str | None) -> bool:
        """Hash the same password as Django does by now; tell whether the old hash was still in force.

        The user's tokens live on: this is no new password.
        """
        old, new = self.password, make_password(password)
        with write_transaction():
            if not User.objects.filter(pk=self.pk, password=old).update(password=new):
                return False
            self.tokens.filter(fingerprint=fingerprint(old)).update(fingerprint=fingerprint(new))
        self.password = new
        return True


class Token(models.Model):
    """A right to call the API as its user. The secret itself is not kept, only its SHA-256."""

    digest = models.CharField(_("digest"), max_length=64, primary_key=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens", verbose_name=_("user"))
    name = models.CharField(
        _("name"),
        max_length=100,
        blank=True,
        help_text=_("Which machine or script uses it. Empty for a login's token."),
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
    """How many logins one key (a name at an address, or an address) has tried in its present window."""

    key = models.CharField(max_length=64, primary_key=True)
    count = models.PositiveIntegerField()
    window_ends_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.key[:8]}…: {self.count}"
