"""The administration of incidents, which writes through the services: each of its edits is an event."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from incidents import services
from incidents.models import Event, Incident, IncidentQuerySet, Source, Status
from incidents.services import NewIncident, Origin
from incidents.validators import MAX_COMMENT_LENGTH, has_forbidden_characters


class IncidentForm(forms.ModelForm):  # type: ignore[type-arg]  # no generic class at run time
    comment = forms.CharField(
        label=_("Comment"),
        required=False,
        max_length=MAX_COMMENT_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    class Meta:
        model = Incident
        fields = ["description", "source", "status"]

    def clean_description(self) -> str:
        return without_forbidden_characters(self.cleaned_data["description"])

    def clean_comment(self) -> str:
        return without_forbidden_characters(self.cleaned_data["comment"])


def without_forbidden_characters(text: str) -> str:
    if has_forbidden_characters(text):
        raise forms.ValidationError(_("Control characters are not allowed."))
    return text


class EventInline(admin.TabularInline):  # type: ignore[type-arg]  # no generic class at run time
    model = Event
    fields = ("at", "by", "channel", "kind", "status_from", "status_to", "comment")
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Incident)
class IncidentAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # no generic class at run time
    form = IncidentForm
    list_display = ["id", "description", "status", "source", "created_at", "updated_at"]
    list_display_links = ["id", "description"]
    list_filter = ["status", "source", "created_at"]
    list_per_page = 50
    show_full_result_count = False
    date_hierarchy = "created_at"
    search_fields = ["search_text"]
    search_help_text = _("Words of the description")
    ordering = ["-created_at", "-id"]
    inlines = [EventInline]

    def get_fields(self, request: HttpRequest, obj: Incident | None = None) -> list[Any]:
        if obj is None:
            return ["description", "source"]
        return ["description", "source", "status", "comment", "created_at", "updated_at", "created_by"]

    def get_readonly_fields(self, request: HttpRequest, obj: Incident | None = None) -> list[str]:
        if obj is None:
            return []
        return ["description", "source", "created_at", "updated_at", "created_by"]

    def has_delete_permission(self, request: HttpRequest, obj: Incident | None = None) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Incident], search_term: str
    ) -> tuple[QuerySet[Incident], bool]:
        if not search_term or not isinstance(queryset, IncidentQuerySet):
            return queryset, False
        return queryset.mentioning(search_term), False

    def save_model(self, request: HttpRequest, obj: Incident, form: Any, change: bool) -> None:
        if change:
            services.change(
                obj.pk,
                origin(request),
                status=Status(form.cleaned_data["status"]),
                comment=form.cleaned_data["comment"],
            )
            return
        created = services.create(NewIncident(obj.description, Source(obj.source)), origin(request))
        obj.pk = created.id
        obj.refresh_from_db()

    def get_actions(self, request: HttpRequest, action_location: Any = None) -> dict[str, Any]:
        """Offer each status as a bulk action."""
        if not self.has_change_permission(request):
            return {}
        return {
            f"set_{status}": (set_status(status), f"set_{status}", _("Set status: %s") % status.label)
            for status in Status
        }


def set_status(status: Status) -> Any:
    def action(_admin: IncidentAdmin, request: HttpRequest, queryset: QuerySet[Incident]) -> None:
        for incident in queryset:
            services.change(incident.pk, origin(request), status=status)
        messages.success(
            request,
            ngettext(
                "%(count)d incident is now: %(status)s",
                "%(count)d incidents are now: %(status)s",
                len(queryset),
            )
            % {"count": len(queryset), "status": status.label},
        )

    return action


def origin(request: HttpRequest) -> Origin:
    return Origin(request.user.pk, Event.Channel.ADMIN)
