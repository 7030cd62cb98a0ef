"""What REST shows of an incident and accepts for one."""

from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from incidents.api.rest.fields import MomentField
from incidents.models import (
    COMMENT_LENGTH,
    DESCRIPTION_LENGTH,
    KEY_LENGTH,
    Event,
    Incident,
    Source,
    Status,
)
from incidents.validators import has_forbidden_characters

VISIBLE_ASCII = RegexValidator(r"\A[!-~]+\Z", _("Use visible ASCII characters only."))


def not_blank(text: str) -> None:
    # The field's own check would also trim, and a description is stored as sent.
    if not text.strip():
        raise serializers.ValidationError(_("This field may not be blank."), code="blank")


def no_forbidden_characters(text: str) -> None:
    if has_forbidden_characters(text):
        raise serializers.ValidationError(_("Control characters are not allowed."))


class IncidentSerializer(serializers.ModelSerializer[Incident]):
    status_display = serializers.CharField(source="get_status_display", read_only=True)
    source_display = serializers.CharField(source="get_source_display", read_only=True)

    class Meta:
        model = Incident
        fields = [
            "id",
            "description",
            "status",
            "status_display",
            "source",
            "source_display",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields


class NewIncidentSerializer(serializers.Serializer[Incident]):
    description = serializers.CharField(
        max_length=DESCRIPTION_LENGTH,
        trim_whitespace=False,
        validators=[not_blank, no_forbidden_characters],
        style={"base_template": "textarea.html", "rows": 4},
    )
    source = serializers.ChoiceField(choices=Source.choices)  # type: ignore[assignment]
    created_at = MomentField(required=False, allow_null=True, default=None)
    idempotency_key = serializers.CharField(
        required=False,
        allow_null=True,
        default=None,
        trim_whitespace=False,
        max_length=KEY_LENGTH,
        validators=[VISIBLE_ASCII],
    )


class ChangeSerializer(serializers.Serializer[Incident]):
    status = serializers.ChoiceField(choices=Status.choices)
    comment = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        trim_whitespace=False,
        max_length=COMMENT_LENGTH,
        validators=[no_forbidden_characters],
        style={"base_template": "textarea.html", "rows": 2},
    )


class EventSerializer(serializers.ModelSerializer[Event]):
    by = serializers.CharField(source="by.username", default=None, read_only=True, allow_null=True)
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
