"""The administration of connections: they are made and set up here, and their posts are read."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from common.admin import BoundedModelAdmin
from integrations import services
from integrations.fields import SeveritiesField
from integrations.models import Integration, ReceivedPost
from integrations.services import CHOICES, ConnectionProblem

FACTS = ["kind", "created_at", "first_received_at", "last_received_at"]


class IntegrationForm(forms.ModelForm):  # type: ignore[type-arg]  # no generic class at run time
    class Meta:
        model = Integration
        fields = ["name", "kind", *CHOICES]
        field_classes = {"severities": SeveritiesField}

    def clean_name(self) -> str:
        try:
            name = services.checked_name(self.cleaned_data["name"])
            if name != self.initial.get("name"):
                services.check_is_free(name)
        except ConnectionProblem as problem:
            raise forms.ValidationError(str(problem)) from None
        return name


@admin.register(Integration)
class IntegrationAdmin(BoundedModelAdmin):
    """Only the response that follows the making of a connection has its token."""

    form = IntegrationForm
    list_display = ["name", "kind", "source", "enabled", "last_received_at"]
    list_filter = ["kind", "enabled"]
    search_fields = ["name"]

    def get_fields(self, request: HttpRequest, obj: Integration | None = None) -> list[Any]:
        return ["name", *CHOICES, *FACTS] if obj else ["name", "kind", *CHOICES]

    def get_readonly_fields(self, request: HttpRequest, obj: Integration | None = None) -> list[Any]:
        return FACTS if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Integration | None = None) -> bool:
        return False  # Its user is in the histories of incidents: it is switched off instead.

    def save_model(self, request: HttpRequest, obj: Integration, form: Any, change: bool) -> None:
        if change:
            services.save(obj)
        else:
            obj.token = services.connect(obj)

    def response_add(
        self, request: HttpRequest, obj: Integration, post_url_continue: Any = None
    ) -> HttpResponse:
        # Not by a message behind a redirect, which would be kept in a cookie or in the database meanwhile.
        context = {**self.admin_site.each_context(request), "opts": self.opts, "integration": obj}
        return TemplateResponse(request, "admin/integrations/integration/connected.html", context)


@admin.register(ReceivedPost)
class ReceivedPostAdmin(BoundedModelAdmin):
    """What a sender really posted, and what it was told. Nothing is written here."""

    list_display = ["at", "integration", "outcome", "status", "size"]
    list_filter = ["integration", "outcome"]
    list_select_related = ["integration"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReceivedPost]:
        return super().get_queryset(request).defer("body", "response")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ReceivedPost | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ReceivedPost | None = None) -> bool:
        return False
