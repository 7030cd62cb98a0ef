"""Lists of the administration that respond to nothing but what their own pages link to."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList, ChangeListSearchForm
from django.core.exceptions import ValidationError
from django.db import DataError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

MAX_SEARCH_LENGTH = 200
MAX_ACTION_ROWS = 1000


class SearchForm(ChangeListSearchForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[SEARCH_VAR] = forms.CharField(required=False, strip=False, max_length=MAX_SEARCH_LENGTH)


class BoundedChangeList(ChangeList):
    """A list that is filtered by its filters alone.

    Django takes any lookup of a model's own fields from the query. SQLite runs `?description__regex=` in
    Python, where nothing interrupts it and no other thread goes on.
    """

    search_form_class = SearchForm

    def get_filters(self, request: HttpRequest) -> Any:
        # PostgreSQL has no text with NUL.
        if any("\0" in value for values in self.get_filters_params().values() for value in values):
            raise IncorrectLookupParameters
        specs, has_filters, remaining, *more = super().get_filters(request)
        if remaining:
            raise IncorrectLookupParameters
        return specs, has_filters, remaining, *more

    def get_results(self, request: HttpRequest) -> None:
        try:
            super().get_results(request)
        except DataError:
            # A datetime with an offset of -23:59, which Python knows and PostgreSQL does not.
            raise IncorrectLookupParameters from None


class BoundedModelAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # no generic class at run time
    """Shows a `BoundedChangeList`, and runs an action on at most `MAX_ACTION_ROWS` rows that may exist."""

    # Django's own titles decline no Russian nouns.
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        title = {"title": capfirst(self.opts.verbose_name_plural)}
        return super().changelist_view(request, title | (extra_context or {}))

    def changeform_view(
        self, request: HttpRequest, object_id: Any = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        title = {"title": capfirst(self.opts.verbose_name)}
        return super().changeform_view(request, object_id, form_url, title | (extra_context or {}))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return BoundedChangeList

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        return None if "\0" in object_id else super().get_object(request, object_id, from_field)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        # The form of a list has refused these; a search for related rows has none.
        if "\0" in search_term or len(search_term) > MAX_SEARCH_LENGTH:
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **more: Any) -> Any:
        selected = request.POST.getlist(ACTION_CHECKBOX_NAME)
        if not all(is_key(self.model._meta.pk, value) for value in selected):
            problem = str(_("The selection is not of this list."))
        elif selects_all(request) and queryset[: MAX_ACTION_ROWS + 1].count() > MAX_ACTION_ROWS:
            problem = _("Too many are selected, at most %d at once: use a filter.") % MAX_ACTION_ROWS
        else:
            return super().response_action(request, queryset, *args, **more)
        self.message_user(request, problem, messages.ERROR)
        return None


def selects_all(request: HttpRequest) -> bool:
    return bool(forms.BooleanField().to_python(request.POST.get("select_across")))


def is_key(field: Any, text: str) -> bool:
    """Tell whether a row of this primary key may exist, without a look at the database."""
    try:
        field.clean(text, None)
    except ValidationError:
        return False
    return "\0" not in text
