"""The administration of users with their roles, and of tokens for machines."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from users import tokens
from users.models import Token, User

MAX_LIFETIME_DAYS = 3650

# The role says all that a group could.
admin.site.unregister(Group)


@admin.register(User)
class RoleUserAdmin(UserAdmin[User]):
    list_display = ["username", "role", "is_active", "is_superuser", "last_login"]
    list_filter = ["role", "is_active", "is_superuser"]
    fieldsets = [
        (None, {"fields": ["username", "password", "role"]}),
        (_("Personal info"), {"fields": ["first_name", "last_name", "email"]}),
        (_("Permissions"), {"fields": ["is_active", "is_staff", "is_superuser", "user_permissions"]}),
        (_("Important dates"), {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [
        (
            None,
            {
                "classes": ["wide"],
                "fields": ["username", "role", "usable_password", "password1", "password2"],
            },
        ),
    ]
    filter_horizontal = ["user_permissions"]


class TokenForm(forms.ModelForm[Token]):
    days = forms.IntegerField(label=_("Lives, days"), initial=365, min_value=1, max_value=MAX_LIFETIME_DAYS)

    class Meta:
        model = Token
        fields = ["user", "name"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "name" in self.fields:
            self.fields["name"].required = True


@admin.register(Token)
class TokenAdmin(admin.ModelAdmin[Token]):
    """Tokens are issued and revoked here, never edited; the secret is shown once."""

    form = TokenForm
    list_display = ["__str__", "user", "created_at", "expires_at", "last_used_at"]
    list_filter = ["user"]
    search_fields = ["name", "user__username"]

    def get_fields(self, request: HttpRequest, obj: Token | None = None) -> list[Any]:
        if obj is None:
            return ["user", "name", "days"]
        return ["user", "name", "created_at", "expires_at", "last_used_at"]

    def has_change_permission(self, request: HttpRequest, obj: Token | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Token, form: Any, change: bool) -> None:
        lifetime = timedelta(days=form.cleaned_data["days"])
        issued = tokens.issue(obj.user, lifetime=lifetime, name=obj.name)
        obj.pk = tokens.digest(issued.secret)
        obj.refresh_from_db()
        messages.warning(
            request,
            format_html(
                str(_("Copy the token now, it is not shown again: {}")),
                format_html("<code>{}</code>", issued.secret),
            ),
        )
