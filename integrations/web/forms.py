"""The forms of the page "Connections"."""

from django import forms

from integrations.fields import SeveritiesField
from integrations.models import Integration


class ConnectForm(forms.ModelForm):  # type: ignore[type-arg]
    """What has to be known to connect a sender: all of it is filled in already."""

    class Meta:
        model = Integration
        fields = ["name", "source"]


class SettingsForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Integration
        fields = [
            *("name", "source", "grouping", "severities"),
            *("reopen_minutes", "stale_minutes", "resolves_stale"),
        ]
        field_classes = {"severities": SeveritiesField}
        widgets = {"severities": forms.Textarea(attrs={"rows": 3})}
