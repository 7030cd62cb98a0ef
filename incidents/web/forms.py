"""Forms of the pages, with the rules and the messages of the API."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from common import datetimes
from incidents.models import Source, Status
from incidents.validators import (
    KEY_PATTERN,
    MAX_COMMENT_LENGTH,
    MAX_DESCRIPTION_LENGTH,
    MAX_KEY_LENGTH,
    TextProblem,
    text_problem,
)
from users.hashing_queue import TooManyAttempts

AT_DATE = "at"
MAX_CONTACT_LENGTH = 200
MAX_CLOCK_DIFFERENCE = timedelta(minutes=5)


class TextField(forms.CharField):
    """A text as it was typed; browsers send line ends as CR LF, which become LF."""

    def __init__(self, *, length: int, messages: Mapping[TextProblem, Any], rows: int, **more: Any) -> None:
        super().__init__(
            strip=False,
            widget=forms.Textarea(attrs={"rows": rows, "maxlength": length, "dir": "auto"}),
            **more,
        )
        self.length = length
        self.messages = messages

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").replace("\r\n", "\n")

    def validate(self, value: str) -> None:
        problem = text_problem(value, self.length, may_be_blank=not self.required)
        if problem:
            raise ValidationError(self.messages[problem], params={"most": self.length})


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        # The only format that browsers send and accept, whatever the language.
        super().__init__(format="%Y-%m-%d")


class LoginForm(AuthenticationForm):
    @property
    def retry_in(self) -> timedelta | None:
        """Return after what time a login that was throttled may be tried again."""
        errors = self.errors.as_data().get(NON_FIELD_ERRORS, [])
        return next(
            (timedelta(seconds=e.retry_after) for e in errors if isinstance(e, TooManyAttempts)), None
        )


class CorrectionForm(forms.Form):
    incident = TextField(
        label=_("What happened"),
        length=MAX_DESCRIPTION_LENGTH,
        rows=6,
        messages={
            TextProblem.BLANK: _("Incident is required"),
            TextProblem.TOO_LONG: _("Incident is too long, use at most %(most)d characters"),
            TextProblem.FORBIDDEN_CHARACTERS: _("Incident has forbidden characters"),
        },
    )


class ReportForm(CorrectionForm):
    """A report. `when` says how many minutes ago it happened, or that `date` says it.

    `pressed` is when the form was sent, if it had to wait for a connection.
    """

    when = forms.ChoiceField(
        label=_("when"),
        choices=[
            ("", _("Now")),
            ("15", _("15 min ago")),
            ("60", _("An hour ago")),
            (AT_DATE, pgettext_lazy("time", "Choose")),
        ],
        widget=forms.RadioSelect,
        required=False,
    )
    date = forms.DateTimeField(
        label=_("Date and time"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        error_messages={"invalid": _("Wrong date format")},
    )
    source = forms.ChoiceField(
        label=_("source"),
        choices=Source.choices,
        initial=Source.OPERATOR,
        error_messages=dict.fromkeys(["required", "invalid_choice"], _("Source is required or wrong")),
    )
    contact = forms.CharField(
        label=_("Who told it: name, phone"),
        required=False,
        max_length=MAX_CONTACT_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}),
    )
    idempotency_key = forms.RegexField(
        rf"\A{KEY_PATTERN}\Z", max_length=MAX_KEY_LENGTH, widget=forms.HiddenInput, required=False
    )
    pressed = forms.DateTimeField(widget=forms.HiddenInput, required=False)

    def clean_date(self) -> datetime | None:
        created_at: datetime | None = self.cleaned_data["date"]
        if created_at and not datetimes.MIN_DATETIME <= created_at < datetimes.DATETIME_LIMIT:
            raise ValidationError(_("Wrong date format"))
        # A typing error would keep the incident on top of everybody's queue.
        if created_at and created_at > timezone.now() + MAX_CLOCK_DIFFERENCE:
            raise ValidationError(_("This time has not come yet"))
        return created_at

    def clean_contact(self) -> str:
        contact: str = self.cleaned_data["contact"]
        if text_problem(contact, MAX_CONTACT_LENGTH, may_be_blank=True):
            raise ValidationError(_("Comment has forbidden characters"))
        return contact

    @property
    def is_relative(self) -> bool:
        """Whether the time is counted from when the form was sent."""
        return self.cleaned_data["when"] not in {"", AT_DATE}

    def created_at(self) -> datetime | None:
        """Return when it happened; None is now."""
        asked = self.cleaned_data
        pressed: datetime | None = asked["pressed"]
        if self.is_relative:
            return (pressed or timezone.now()) - timedelta(minutes=int(asked["when"]))
        return asked["date"] or pressed


class ChangeForm(forms.Form):
    """A new status, a comment, or both; `seen` is the status that the page showed.

    `undo` says that the status is the one before.
    """

    seen = forms.ChoiceField(choices=Status.choices, widget=forms.HiddenInput)
    status = forms.ChoiceField(choices=Status.choices, required=False)
    undo = forms.BooleanField(required=False)
    comment = TextField(
        label=_("Comment"),
        length=MAX_COMMENT_LENGTH,
        rows=3,
        required=False,
        messages={
            TextProblem.TOO_LONG: _("Comment is too long, use at most %(most)d characters"),
            TextProblem.FORBIDDEN_CHARACTERS: _("Comment has forbidden characters"),
        },
    )

    def clean(self) -> dict[str, Any]:
        asked = self.cleaned_data
        if not self.errors and not asked["status"] and not asked["comment"].strip():
            raise ValidationError(_("Choose a status or write a comment."))
        return asked
