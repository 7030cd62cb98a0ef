"""What REST shows of an incident and accepts for one."""

from collections.abc import Iterable
from datetime import datetime, tzinfo
from functools import cache, lru_cache
from typing import Any

from django.core.validators import RegexValidator
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.timezone import get_current_timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from incidents.api.rest.fields import WRONG_KEY, DatetimeField
from incidents.assignees import AssigneeNotKnown, assignee_id
from incidents.models import Event, Incident, Source, Status
from incidents.severity import Severity
from incidents.statements import Row
from incidents.validators import (
    KEY_PATTERN,
    MAX_COMMENT_LENGTH,
    MAX_DESCRIPTION_LENGTH,
    MAX_KEY_LENGTH,
    TextProblem,
    normalized_dedup_key,
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


class DedupKeyField(serializers.CharField):
    """Reads a key as it is stored."""

    default_error_messages = {"invalid": WRONG_KEY}

    def __init__(self) -> None:
        super().__init__(required=False, allow_null=True, default=None, trim_whitespace=False)

    def to_internal_value(self, data: Any) -> str:
        key = normalized_dedup_key(super().to_internal_value(data))
        if key is None:
            self.fail("invalid")
        return key


class AssigneeField(serializers.CharField):
    """Reads a username as the id of a user who may be given an incident."""

    default_error_messages = {"unknown": _("Nobody of this name may be given an incident.")}

    def to_internal_value(self, data: Any) -> Any:
        try:
            return assignee_id(super().to_internal_value(data))
        except AssigneeNotKnown:
            self.fail("unknown")


def promised(label: str | Promise) -> str:
    """Return the label as clients know it: REST was written without «ё», the pages are written with it."""
    return str(label).replace("ё", "е")


class LabelField(serializers.CharField):
    def to_representation(self, value: Any) -> str:
        return promised(value)


class IncidentSerializer(serializers.Serializer[Row]):
    # The fields describe rows for the OpenAPI document, into which a docstring would come. To ask each of
    # them how to show itself, for each row of a page, takes several times what the rest of a call does.

    id = serializers.IntegerField(read_only=True)
    description = serializers.CharField(read_only=True)
    status = serializers.ChoiceField(choices=Status.choices, read_only=True)
    status_display = LabelField(read_only=True)
    source = serializers.ChoiceField(choices=Source.choices, read_only=True)  # type: ignore[assignment]
    source_display = LabelField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)
    severity = serializers.ChoiceField(choices=Severity.choices, read_only=True, allow_null=True)
    severity_display = serializers.CharField(read_only=True, allow_null=True)
    assignee = serializers.CharField(read_only=True, allow_null=True)
    dedup_key = serializers.CharField(read_only=True, allow_null=True)
    repeats = serializers.IntegerField(read_only=True)
    last_seen_at = serializers.DateTimeField(read_only=True, allow_null=True)

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
            "severity": severity,
            "severity_display": severity and label[Severity, severity],
            "assignee": assignee,
            "dedup_key": dedup_key,
            "repeats": repeats,
            "last_seen_at": last_seen_at and local(last_seen_at, zone),
        }
        for (
            pk,
            description,
            status,
            source,
            created_at,
            updated_at,
            severity,
            assignee,
            dedup_key,
            repeats,
            last_seen_at,
        ) in rows
    ]


@cache
def labels(_language: str | None) -> Labels:
    """Return the labels of the stored values in the active language, which is `_language`."""
    return {
        (choices, one.value): promised(one.label) for choices in (Status, Source, Severity) for one in choices
    }


# The newest rows are asked for again and again (docs/internals.md).
@lru_cache(maxsize=256)
def local(timestamp: str, zone: tzinfo) -> str:
    """Write a row's timestamp as REST framework writes it in the zone."""
    text = datetime.fromisoformat(f"{timestamp}+00:00").astimezone(zone).isoformat()
    return f"{text[:-6]}Z" if text.endswith("+00:00") else text


class IdempotencyKeyField(serializers.CharField):
    def __init__(self) -> None:
        super().__init__(
            required=False,
            allow_null=True,
            default=None,
            trim_whitespace=False,
            max_length=MAX_KEY_LENGTH,
            validators=[VISIBLE_ASCII],
        )


class NewIncidentSerializer(serializers.Serializer[Incident]):
    description = TextField(max_length=MAX_DESCRIPTION_LENGTH, rows=4)
    source = serializers.ChoiceField(choices=Source.choices)  # type: ignore[assignment]
    created_at = DatetimeField(required=False, allow_null=True, default=None)
    idempotency_key = IdempotencyKeyField()
    severity = serializers.ChoiceField(
        choices=Severity.choices, required=False, allow_null=True, default=None
    )
    dedup_key = DedupKeyField()


class ChangeSerializer(serializers.Serializer[Incident]):
    # A severity or an assignee that is left out stays; null clears it.
    status = serializers.ChoiceField(choices=Status.choices)
    comment = TextField(required=False, allow_blank=True, default="", max_length=MAX_COMMENT_LENGTH, rows=2)
    severity = serializers.ChoiceField(choices=Severity.choices, required=False, allow_null=True)
    assignee = AssigneeField(required=False, allow_null=True, trim_whitespace=False)
    idempotency_key = IdempotencyKeyField()


class EventSerializer(serializers.ModelSerializer[Event]):
    by = serializers.CharField(source="by.username", default=None, read_only=True, allow_null=True)
    door = serializers.ChoiceField(
        choices=Event.Channel.choices, source="channel", read_only=True, label=capfirst(_("through"))
    )
    status_from_display = LabelField(source="get_status_from_display", read_only=True)
    status_to_display = LabelField(source="get_status_to_display", read_only=True)
    severity_display = serializers.CharField(source="get_severity_display", read_only=True, allow_null=True)
    assignee = serializers.CharField(
        source="assignee.username", default=None, read_only=True, allow_null=True
    )

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
            "severity",
            "severity_display",
            "assignee",
        ]
        read_only_fields = fields
