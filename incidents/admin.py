"""The administration of incidents, which writes through the services: each of its edits is an event."""

import re
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from common.admin import BoundedModelAdmin
from incidents import assignees, client_keys, services
from incidents.models import UNFINISHED, Event, Incident, IncidentQuerySet, Source, Status
from incidents.services import NewIncident, Origin
from incidents.severity import Severity
from incidents.statements import MAX_EVENTS
from incidents.transition import KEEP
from incidents.validators import MAX_COMMENT_LENGTH, has_forbidden_characters
from users.models import User

SHOWN_EVENTS = 100
BRIEF_LENGTH = 120
EVERY_EVENT = "every_event"
NEAR_YEAR = re.compile(r"(19|20|21)[0-9]{2}-")
KEY_IS_ACTIVE = _("Incident #%(id)d has the same key and is not finished.")
FACTS = ["created_at", "updated_at", "created_by", "dedup_key", "repeats", "last_seen_at", "earlier"]


class IncidentForm(forms.ModelForm):  # type: ignore[type-arg]  # no generic class at run time
    comment = forms.CharField(
        label=_("Comment"),
        required=False,
        max_length=MAX_COMMENT_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    class Meta:
        model = Incident
        fields = ["description", "source", "status", "severity", "assignee"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "status" in self.fields:
            # It changes if it differs from the page that was shown, not from what is stored by now.
            self.fields["status"].show_hidden_initial = True
        if "assignee" in self.fields:
            may_have_it = assignees.possible() | User.objects.filter(pk=self.instance.assignee_id)
            self.fields["assignee"].queryset = may_have_it  # type: ignore[attr-defined]

    def clean_description(self) -> str:
        return without_forbidden_characters(self.cleaned_data["description"])

    def clean_comment(self) -> str:
        return without_forbidden_characters(self.cleaned_data["comment"])

    def clean(self) -> dict[str, Any]:
        if self.instance.pk and self.instance.events.count() >= MAX_EVENTS:
            raise forms.ValidationError(_("This incident has too many events, report a new one."))
        if self.instance.pk and self.cleaned_data.get("status") in UNFINISHED:
            other = client_keys.in_the_way_of(self.instance.pk)
            if other is not None:
                raise forms.ValidationError(KEY_IS_ACTIVE % {"id": other})
        return self.cleaned_data


def without_forbidden_characters(text: str) -> str:
    if has_forbidden_characters(text):
        raise forms.ValidationError(_("Control characters are not allowed."))
    return text


class YearFilter(admin.SimpleListFilter):
    # date_hierarchy has SQLite call Python for each row: 2 s for 100,000.
    title = _("year")
    parameter_name = "created_at__year"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        first, last = (
            rows.first() for rows in (Incident.objects.oldest_first(), Incident.objects.newest_first())
        )
        if first is None or last is None:
            return []
        zone = timezone.get_current_timezone()
        years = range(last.created_at.astimezone(zone).year, first.created_at.astimezone(zone).year - 1, -1)
        return [(str(year), str(year)) for year in years]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Incident]) -> QuerySet[Incident]:
        known = {value for value, _label in self.lookup_choices}
        return queryset.filter(created_at__year=self.value()) if self.value() in known else queryset


class CreatedAtFilter(admin.DateFieldListFilter):
    """Finds nothing before 1900 or after 2199: of years far away the databases raise errors."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Incident]) -> QuerySet[Incident] | None:
        asked: dict[str, Any] = self.used_parameters
        if any(not NEAR_YEAR.match(value) for values in asked.values() for value in values):
            raise IncorrectLookupParameters
        return super().queryset(request, queryset)


class EventInline(admin.TabularInline):  # type: ignore[type-arg]  # no generic class at run time
    model = Event
    fields = ("at", "by", "channel", "kind", "status_from", "status_to", "comment", "severity", "assignee")
    readonly_fields = fields
    extra = 0
    can_delete = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        events = super().get_queryset(request).select_related("by", "assignee")
        if EVERY_EVENT in request.GET or not request.resolver_match:
            return events
        of_incident = events.filter(incident=request.resolver_match.kwargs.get("object_id"))
        newest = of_incident.order_by("-id").values_list("id", flat=True)[:SHOWN_EVENTS]
        return events.filter(id__in=list(newest))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Incident)
class IncidentAdmin(BoundedModelAdmin):
    form = IncidentForm
    list_display = ["id", "status", "severity", "brief", "source", "created_at", "updated_at"]
    list_display_links = ["id", "brief"]
    list_filter = ["status", "severity", "source", ("created_at", CreatedAtFilter), YearFilter]
    list_per_page = 50
    show_full_result_count = False
    search_fields = ["search_text"]
    search_help_text = _("Words of the description")
    ordering = ["-created_at", "-id"]
    inlines = [EventInline]

    def get_fields(self, request: HttpRequest, obj: Incident | None = None) -> list[Any]:
        if obj is None:
            return ["description", "source", "severity"]
        return ["description", "source", "status", "severity", "assignee", "comment", *FACTS]

    def get_readonly_fields(self, request: HttpRequest, obj: Incident | None = None) -> list[str]:
        if obj is None:
            return []
        return ["description", "source", *FACTS]

    @admin.display(description=_("description"))
    def brief(self, incident: Incident) -> str:
        return Truncator(incident.description).chars(BRIEF_LENGTH)

    @admin.display(description=_("Earlier events"))
    def earlier(self, incident: Incident) -> str:
        more = incident.events.count() - SHOWN_EVENTS
        if more <= 0:
            return "-"
        return format_html('<a href="?{}=1">{}</a>', EVERY_EVENT, _("Show %d earlier events") % more)

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
            self.change_incident(request, obj, form)
            return
        severity = Severity(obj.severity) if obj.severity else None
        new = NewIncident(obj.description, Source(obj.source), severity=severity)
        created = services.create(new, origin(request))
        obj.pk = created.id
        obj.refresh_from_db()

    def change_incident(self, request: HttpRequest, obj: Incident, form: Any) -> None:
        severity = Severity(obj.severity) if obj.severity else None
        try:
            services.change(
                obj.pk,
                origin(request),
                status=Status(form.cleaned_data["status"]) if "status" in form.changed_data else None,
                comment=form.cleaned_data["comment"],
                severity=severity if "severity" in form.changed_data else KEEP,
                assignee=obj.assignee_id if "assignee" in form.changed_data else KEEP,
            )
        except services.IncidentNotFound:
            raise Http404 from None
        except services.HistoryFull:
            messages.error(request, _("This incident has too many events, report a new one."))
        except services.KeyIsActive as error:  # since the form was checked
            messages.error(request, KEY_IS_ACTIVE % {"id": error.incident_id})

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
        done = failed = 0
        for pk in list(queryset.values_list("pk", flat=True)):
            try:
                services.change(pk, origin(request), status=status)
                done += 1
            except (services.IncidentNotFound, services.HistoryFull, services.KeyIsActive):
                failed += 1
        messages.success(
            request,
            ngettext("%(count)d incident is now: %(status)s", "%(count)d incidents are now: %(status)s", done)
            % {"count": done, "status": status.label},
        )
        if failed:
            messages.warning(request, _("Incidents that could not be changed: %d") % failed)

    return action


def origin(request: HttpRequest) -> Origin:
    return Origin(request.user.pk, Event.Channel.ADMIN)
