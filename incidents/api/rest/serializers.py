"""What REST shows of an incident and accepts for one."""

from datetime import datetime
from typing import Any

from django.core.validators import RegexValidator
from django.utils.text import capfirst
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from incidents.api.rest.fields import DatetimeField
from incidents.models import Event, Incident, Source, Status
from incidents.statements import IncidentRow
from incidents.validators import (
    KEY_PATTERN,
    MAX_COMMENT_LENGTH,
    MAX_DESCRIPTION_LENGTH,
    MAX_KEY_LENGTH,
    TextProblem,
    text_problem,
)

VISIBLE_ASCII = RegexValidator(rf"\A{KEY_PATTERN}\Z", _("Use visible ASCII characters only."))


class TextField(serializers.CharField):
    """A text that is stored as it was sent, held to the rules of `text_problem`."""

    default_error_messages = {"forbidden": _("Control characters are not allowed.")}

    def __init__(self, *, rows: int, **options: Any) -> None:
        style = {"base_template": "textarea.html", "rows": rows}
        super().__init__(trim_whitespace=False, style=style, **options)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        problem = text_problem(text, self.max_length or 0, may_be_blank=self.allow_blank)
        if problem is TextProblem.BLANK:
            self.fail("blank")
        if problem is TextProblem.FORBIDDEN_CHARACTERS:
            self.fail("forbidden")
        return text  # One that is too long is refused by CharField's own validator.


class IncidentSerializer(serializers.Serializer[IncidentRow]):
    # A docstring would come into the OpenAPI document. The fields describe the object there; to ask each of
    # them, for each row of a page, how to show itself takes several times what the rest of a call does.

    id = serializers.IntegerField(read_only=True)
    description = serializers.CharField(read_only=True)
    status = serializers.ChoiceField(choices=Status.choices, read_only=True)
    status_display = serializers.CharField(read_only=True)
    source = serializers.ChoiceField(choices=Source.choices, read_only=True)  # type: ignore[assignment]
    source_display = serializers.CharField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)

    def to_representation(self, row: IncidentRow) -> dict[str, Any]:
        return {
            "id": row.id,
            "description": row.description,
            "status": row.status,
            "status_display": str(Status(row.status).label),
            "source": row.source,
            "source_display": str(Source(row.source).label),
            "created_at": local(row.created_at),
            "updated_at": local(row.updated_at),
        }


def local(timestamp: str) -> str:
    """Write a row's timestamp as REST framework writes it, in the current zone."""
    text = datetime.fromisoformat(f"{timestamp}+00:00").astimezone(get_current_timezone()).isoformat()
    return f"{text[:-6]}Z" if text.endswith("+00:00") else text


class NewIncidentSerializer(serializers.Serializer[Incident]):
    description = TextField(max_length=MAX_DESCRIPTION_LENGTH, rows=4)
    source = serializers.ChoiceField(choices=Source.choices)  # type: ignore[assignment]
    created_at = DatetimeField(required=False, allow_null=True, default=None)
    idempotency_key = serializers.CharField(
        required=False,
        allow_null=True,
        default=None,
        trim_whitespace=False,
        max_length=MAX_KEY_LENGTH,
        validators=[VISIBLE_ASCII],
    )


class ChangeSerializer(serializers.Serializer[Incident]):
    status = serializers.ChoiceField(choices=Status.choices)
    comment = TextField(required=False, allow_blank=True, default="", max_length=MAX_COMMENT_LENGTH, rows=2)


class EventSerializer(serializers.ModelSerializer[Event]):
    by = serializers.CharField(source="by.username", default=None, read_only=True, allow_null=True)
    door = serializers.ChoiceField(
        choices=Event.Channel.choices, source="channel", read_only=True, label=capfirst(_("through"))
    )
    status_from_display = serializers.CharField(source="get_status_from_display", read_only=True)
    status_to_display = serializers.CharField(source="get_status_to_display", read_only=True)

    class Meta:
        model = Event
        fields = [
            "id",
            "kind",
            "at",
            "by",
            "door",
            "status_from",
            "status_from_display",
            "status_to",
            "status_to_display",
            "comment",
        ]
        read_only_fields = fields
