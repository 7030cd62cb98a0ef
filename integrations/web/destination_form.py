"""The forms of a destination."""

from importlib.util import find_spec
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils.translation import gettext_lazy as _

from integrations.outbound.destinations import CHOICES
from integrations.outbound.models import Destination, Transport
from integrations.outbound.transports.registry import TAKES_SECRET

MAX_SECRET_LENGTH = 1000
FOR_PEOPLE = ("quiet_from", "quiet_to", "time_zone", "language")
ADDRESS_LABELS = {
    Transport.WEBHOOK: _("URL"),
    Transport.EMAIL: _("mail addresses, separated by commas"),
    Transport.TELEGRAM: _("chat id"),
    Transport.MAX: _("chat id"),
}
EXAMPLES = {
    Transport.WEBHOOK: "https://example.com/hook",
    Transport.EMAIL: "a@example.com, b@example.com",
    Transport.TELEGRAM: "-1001234567890",
    Transport.MAX: "123456789",
}
SECRET_LABELS = {
    Transport.TELEGRAM: _("the bot's token"),
    Transport.MAX: _("the bot's token"),
    Transport.APPRISE: _("URL of Apprise"),
}
SECRET_HELP = {
    Transport.TELEGRAM: _("@BotFather makes a bot and shows its token. Add the bot to the chat."),
    Transport.APPRISE: _("e.g. ntfys://topic or mmosts://host/token; github.com/caronc/apprise lists them"),
}
CHOICE_LABELS = {
    "kinds": _("events"),
    "statuses": _("statuses that were set"),
    "sources": _("sources"),
    "severities": _("severities"),
}


class TimeInput(forms.TimeInput):
    input_type = "time"

    def __init__(self) -> None:
        # The only format that browsers send and accept, whatever the language.
        super().__init__(format="%H:%M")


class ChoicesField(forms.MultipleChoiceField):
    """Any number of choices; none stands for all."""

    widget = forms.CheckboxSelectMultiple


class DestinationForm(forms.ModelForm):  # type: ignore[type-arg]
    """What its transport needs first, then what it wants to hear of, and when."""

    secret = forms.CharField(
        max_length=MAX_SECRET_LENGTH,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )

    class Meta:
        model = Destination
        fields = ["name", "address", "secret", *CHOICES, "skipped_user", "delay_minutes", *FOR_PEOPLE]
        widgets = {"quiet_from": TimeInput, "quiet_to": TimeInput}

    def __init__(self, data: Any = None, *, instance: Destination) -> None:
        super().__init__(data, instance=instance)
        self.transport = Transport(instance.transport)
        for name, choices in CHOICES.items():
            self.fields[name] = ChoicesField(
                choices=choices.choices, required=False, label=CHOICE_LABELS[name]
            )
        self.fields["time_zone"].widget.attrs["placeholder"] = settings.TIME_ZONE
        self.keep_what_the_transport_has()

    def keep_what_the_transport_has(self) -> None:
        if not self.transport.is_for_people:
            for name in FOR_PEOPLE:
                del self.fields[name]
        if self.transport in ADDRESS_LABELS:
            self.fields["address"].label = ADDRESS_LABELS[self.transport]
            self.fields["address"].widget.attrs["placeholder"] = EXAMPLES[self.transport]
        else:
            del self.fields["address"]
        if self.transport in TAKES_SECRET:
            secret = self.fields["secret"]
            secret.label = SECRET_LABELS[self.transport]
            secret.required = not self.instance.encrypted_secret
            secret.help_text = SECRET_HELP.get(self.transport, "")
            if not secret.required:
                secret.help_text = _("Blank keeps the present one.")
        else:
            del self.fields["secret"]

    def fields_given(self) -> dict[str, Any]:
        """Return the values by the names that `destinations.add` and `change` take."""
        given: dict[str, Any] = dict(self.cleaned_data)
        if self.transport is Transport.APPRISE and given["secret"]:
            # Its URL is the secret; the scheme says which service it is.
            given["address"] = given["secret"].partition(":")[0]
        return given

    def add_errors(self, error: ValidationError) -> None:
        """Show each error beside its field, if the form has it."""
        by_field = error.message_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.messages}
        for name, texts in by_field.items():
            for text in texts:
                self.add_error(name if name in self.fields else None, text)

    @property
    def needed(self) -> list[forms.BoundField]:
        return [self[name] for name in ("name", "address", "secret") if name in self.fields]

    @property
    def choices(self) -> list[forms.BoundField]:
        return [self[name] for name in CHOICES]

    @property
    def times(self) -> list[forms.BoundField]:
        return [self[name] for name in ("skipped_user", "delay_minutes", *FOR_PEOPLE) if name in self.fields]

    @property
    def is_choosy(self) -> bool:
        """Tell whether more than what is needed is filled in, or wrong."""
        chosen = any(field.value() for field in [*self.choices, *self.times] if field.name not in DEFAULTED)
        return chosen or any(field.errors for field in [*self.choices, *self.times])

    @property
    def is_missing(self) -> str:
        """Name what has to be set up first for the transport to work, "" if nothing."""
        if self.transport is Transport.EMAIL and not settings.EMAIL_URL:
            return "EMAIL_URL"
        if self.transport is Transport.APPRISE and find_spec("apprise") is None:
            return 'pip install "apprise>=2.3,<3"'
        return ""


DEFAULTED = {"time_zone", "language"}


class SinceForm(forms.Form):
    since = forms.DateTimeField(
        label=_("failed since"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
