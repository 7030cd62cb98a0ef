"""Values as REST reads them in bodies and in filters. Datetimes: ISO 8601, years 1970 to 2200."""

from datetime import datetime
from typing import Any

import django_filters
from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from common import datetimes
from incidents.validators import normalized_dedup_key

WRONG_KEY = _("A key has visible characters and no control characters.")
WRONG = _("Write a date and time of the years 1970 to 2200 as 2025-11-11T23:08:12+03:00.")


class DatetimeField(serializers.DateTimeField):
    """DRF's field, without what Python reads beyond ISO 8601's usual form; no offset means local time."""

    default_error_messages = {"invalid": WRONG}

    def to_internal_value(self, value: Any) -> datetime:
        try:
            return datetimes.parse_local(value, timezone.get_current_timezone())
        except (TypeError, ValueError):
            self.fail("invalid")


class DatetimeFormField(forms.CharField):
    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        try:
            return datetimes.parse_local(text, timezone.get_current_timezone()) if text else None
        except ValueError:
            raise forms.ValidationError(WRONG, code="invalid") from None


class DatetimeFilter(django_filters.Filter):  # type: ignore[misc]  # it has no types
    field_class = DatetimeFormField


class DedupKeyFormField(forms.CharField):
    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        key = normalized_dedup_key(text) if text else ""
        if key is None:
            raise forms.ValidationError(WRONG_KEY, code="invalid")
        return key


class DedupKeyFilter(django_filters.Filter):  # type: ignore[misc]  # it has no types
    field_class = DedupKeyFormField
