"""What REST shows of an incident and accepts for one."""

from collections.abc import Iterable
from datetime import datetime, tzinfo
from functools import cache, lru_cache
from typing import Any

from django.core.validators import RegexValidator
from django.utils.text import capfirst
from django.utils.timezone import get_current_timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from incidents.api.rest.fields import DatetimeField
from incidents.models import Event, Incident, Source, Status
from incidents.statements import Row
from incidents.validators import (
    KEY_PATTERN,
    MAX_COMMENT_LENGTH,
    MAX_DESCRIPTION_LENGTH,
    MAX_KEY_LENGTH,
    TextProblem,
    text_problem,
)

Labels = dict[tuple[type, str], str]
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


class IncidentSerializer(serializers.Serializer[Row]):
    # The fields describe rows for the OpenAPI document, into which a docstring would come. To ask each of
    # them how to show itself, for each row of a page, takes several times what the rest of a call does.

    id = serializers.IntegerField(read_only=True)
    description = serializers.CharField(read_only=True)
    status = serializers.ChoiceField(choices=Status.choices, read_only=True)
    status_display = serializers.CharField(read_only=True)
    source = serializers.ChoiceField(choices=Source.choices, read_only=True)  # type: ignore[assignment]
    source_display = serializers.CharField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)

    def to_representation(self, row: Row) -> dict[str, Any]:
        return represent([row])[0]


def represent(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Show incidents as `IncidentSerializer` describes them, in the language and the zone of the request."""
    return represent_in(labels(get_language()), get_current_timezone(), rows)


def represent_in(label: Labels, zone: tzinfo, rows: Iterable[Row]) -> list[dict[str, Any]]:
    return [
        {
            "id": pk,
            "description": description,
            "status": status,
            "status_display": label[Status, status],
            "source": source,
            "source_display": label[Source, source],
            "created_at": local(created_at, zone),
            "updated_at": local(updated_at, zone),
        }
        for pk, description, status, source, created_at, updated_at, *_others in rows
    ]


@cache
def labels(_language: str | None) -> Labels:
    """Return the labels of the stored values in the active language, which is `_language`."""
    return {(choices, one.value): str(one.label) for choices in (Status, Source) for one in choices}


# The newest rows are asked for again and again (docs/internals.md).
@lru_cache(maxsize=256)
def local(timestamp: str, zone: tzinfo) -> str:
    """Write a row's timestamp as REST framework writes it in the zone."""
    text = datetime.fromisoformat(f"{timestamp}+00:00").astimezone(zone).isoformat()
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
