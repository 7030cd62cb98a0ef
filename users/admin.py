"""The administration of users with their roles, and of tokens for machines."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, UserChangeForm
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from common.admin import BoundedModelAdmin
from users import tokens
from users.models import Token, User
from users.people import is_last_superuser
from users.roles import Role

MAX_LIFETIME_DAYS = 3650
# Only a superuser gives these: whoever has them can get all other rights.
RIGHTS = ("is_staff", "is_superuser", "user_permissions")

LAST_SUPERUSER = _("This is the last active superuser. Make another one first.")

# The role contains all rights of a group.
admin.site.unregister(Group)


def has_more_rights(user: User, request: HttpRequest) -> bool:
    """Tell whether `user` may do something that the person who administers may not."""
    return not (isinstance(request.user, User) and request.user.has_all_rights_of(user))


class RoleUserChangeForm(UserChangeForm):  # type: ignore[type-arg]  # no generic class at run time
    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        remains = all(cleaned.get(name, True) for name in ("is_active", "is_staff", "is_superuser"))
        if not remains and is_last_superuser(self.instance):
            raise forms.ValidationError(LAST_SUPERUSER)
        return cleaned


class RolePasswordChangeForm(AdminPasswordChangeForm):  # type: ignore[type-arg]  # no generic class at run time
    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("set_usable_password") is False and is_last_superuser(self.user):
            self.add_error("usable_password", forms.ValidationError(LAST_SUPERUSER))
        return cleaned


@admin.register(User)
class RoleUserAdmin(BoundedModelAdmin, UserAdmin):  # type: ignore[type-arg]  # no generic class at run time
    form = RoleUserChangeForm
    change_password_form = RolePasswordChangeForm
    list_display = ["username", "role", "is_active", "is_superuser", "last_login"]
    list_filter = ["role", "is_active", "is_superuser"]
    fieldsets = [
        (None, {"fields": ["username", "password", "role"]}),
        (_("Personal info"), {"fields": ["first_name", "last_name", "email"]}),
        (_("Access"), {"fields": ["is_active", "is_staff", "is_superuser"]}),
        (_("Important dates"), {"fields": ["last_login", "date_joined"]}),
        # Of staff who are no superusers. The roles say what may be done with incidents.
        (_("Permissions"), {"fields": ["user_permissions"], "classes": ["collapse"]}),
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

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        # The user of a connection has the connection's name, which is changed there.
        names = ("username",) if hasattr(obj, "integration") else ()
        return names if getattr(request.user, "is_superuser", False) else (*names, *RIGHTS)

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "role" and isinstance(request.user, User):
            kwargs["choices"] = [(role, role.label) for role in Role if request.user.may_all(role.actions)]
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        if obj is not None and has_more_rights(obj, request):
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        # With a user their entries in the log of the administration would be deleted.
        if obj is not None and (
            obj.is_superuser or has_more_rights(obj, request) or LogEntry.objects.filter(user=obj).exists()
        ):
            return False
        return super().has_delete_permission(request, obj)


class TokenForm(forms.ModelForm):  # type: ignore[type-arg]  # no generic class at run time
    days = forms.IntegerField(label=_("Lives, days"), initial=365, min_value=1, max_value=MAX_LIFETIME_DAYS)

    class Meta:
        model = Token
        fields = ["user", "name"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "name" in self.fields:
            self.fields["name"].required = True


@admin.register(Token)
class TokenAdmin(BoundedModelAdmin):
    """Tokens are issued and revoked here, never edited; the secret is in one response only."""

    form = TokenForm
    list_display = ["__str__", "user", "issued_by", "created_at", "expires_at", "last_used_at"]
    list_filter = ["user"]
    list_select_related = ["user", "issued_by"]
    search_fields = ["name", "user__username"]

    def get_fields(self, request: HttpRequest, obj: Token | None = None) -> list[Any]:
        if obj is None:
            return ["user", "name", "days"]
        return ["user", "name", "issued_by", "created_at", "expires_at", "last_used_at"]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "user" and not getattr(request.user, "is_superuser", False):
            allowed = [user.pk for user in User.objects.all() if not has_more_rights(user, request)]
            kwargs["queryset"] = User.objects.filter(pk__in=allowed)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Token | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Token | None = None) -> bool:
        if obj is not None and has_more_rights(obj.user, request):
            return False
        return super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Token, form: Any, change: bool) -> None:
        lifetime = timedelta(days=form.cleaned_data["days"])
        issuer = request.user if isinstance(request.user, User) else None
        issued = tokens.issue(obj.user, lifetime=lifetime, name=obj.name, issued_by=issuer)
        obj.pk = tokens.digest(issued.secret)
        obj.refresh_from_db()
        obj.secret = issued.secret

    def response_add(self, request: HttpRequest, obj: Token, post_url_continue: Any = None) -> HttpResponse:
        # Not by a message behind a redirect, which would be kept in a cookie or in the database meanwhile.
        context = {**self.admin_site.each_context(request), "opts": self.opts, "token": obj}
        return TemplateResponse(request, "admin/users/token/issued.html", context)
