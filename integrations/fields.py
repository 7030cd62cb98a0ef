"""The form field of an integration's table of severities."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput

from common import strict_json


class SeveritiesField(forms.JSONField):
    """An object in JSON by the rules of the API; what is wrong is shown as it was typed."""

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values:
            return {}
        try:
            return strict_json.loads(str(value).encode())
        except (ValueError, RecursionError):
            raise ValidationError(self.error_messages["invalid"], params={"value": ""}) from None

    def bound_data(self, data: Any, initial: Any) -> Any:
        return InvalidJSONInput(data or "")
