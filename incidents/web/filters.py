"""The parameters in the address of a queue page: the form that sets them, the chips that take them away."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext_lazy as _

from incidents import assignees
from incidents.models import Source
from incidents.severity import Severity
from incidents.validators import MAX_SEARCH_LENGTH
from incidents.web.forms import DateInput
from incidents.web.tabs import TAB_LABELS

# In the order of the form. The tab and the search are not among them.
FILTERS = ("source", "severity", "assignee", "sender", "since", "until")
OLDEST = "oldest"
ORDER_COOKIE = "queue_order"


class QueueForm(forms.Form):
    status = forms.ChoiceField(choices=list(TAB_LABELS.items()), required=False, widget=forms.HiddenInput)
    order = forms.ChoiceField(choices=[("", ""), (OLDEST, OLDEST)], required=False, widget=forms.HiddenInput)
    q = forms.CharField(
        label=_("Search"),
        max_length=MAX_SEARCH_LENGTH,
        required=False,
        widget=forms.TextInput(
            attrs={
                "type": "search",
                "autocomplete": "off",
                "aria-keyshortcuts": "/",
                "placeholder": _("Search"),
            }
        ),
    )
    source = forms.ChoiceField(
        label=_("source"), choices=[("", _("Any source")), *Source.choices], required=False
    )
    severity = forms.ChoiceField(
        label=_("severity"), choices=[("", _("Any severity")), *Severity.choices], required=False
    )
    assignee = forms.ChoiceField(
        label=_("assignee"),
        choices=[("", _("Anybody")), (assignees.ME, _("Me")), (assignees.NOBODY, _("Nobody"))],
        required=False,
    )
    sender = forms.CharField(label=_("sender"), max_length=150, required=False)
    since = forms.DateField(label=_("From"), widget=DateInput, input_formats=["%Y-%m-%d"], required=False)
    until = forms.DateField(label=_("To"), widget=DateInput, input_formats=["%Y-%m-%d"], required=False)


def given(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that can be read, by name; the others count as absent."""
    form = QueueForm(parameters)
    form.is_valid()
    return {name: value for name, value in form.cleaned_data.items() if value}


def with_order(request: HttpRequest) -> QueryDict:
    """Return the parameters of the address, with the order that this viewer chose last unless it has one."""
    parameters = request.GET.copy()
    if "order" not in parameters and request.COOKIES.get(ORDER_COOKIE) == OLDEST:
        parameters["order"] = OLDEST
    return parameters


def chips(parameters: QueryDict) -> list[dict[str, Any]]:
    """Describe each filter that is on: its name, its value in words, and the query without it."""
    form = QueueForm(parameters)
    form.is_valid()
    return [
        {
            "label": form[name].label,
            "value": dict(getattr(form.fields[name], "choices", ())).get(value, value),
            "without": without(parameters, name),
        }
        for name in FILTERS
        if (value := form.cleaned_data.get(name))
    ]


def other_order(parameters: QueryDict) -> str:
    """Return the query of the same queue in the other order."""
    changed = parameters.copy()
    changed["order"] = "" if parameters.get("order") == OLDEST else OLDEST
    return without(changed)


def without(parameters: QueryDict, *names: str) -> str:
    """Return the query without these parameters and the position of a later page."""
    rest = parameters.copy()
    for name in (*names, "after"):
        rest.pop(name, None)
    return f"?{rest.urlencode()}" if rest else ""
