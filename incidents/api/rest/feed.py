"""REST's /api/events/: the feed of what happens."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status, viewsets
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from incidents.api.rest.serializers import EventSerializer, IncidentSerializer, represent
from incidents.feed.cursor import Cursor, CursorExpired
from incidents.feed.reader import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, Page, read_end, read_page
from incidents.models import Event
from users.roles import Action


class Expired(APIException):
    status_code = status.HTTP_410_GONE
    default_detail = _("Cursor has expired, begin again.")
    default_code = "cursor_expired"


class FeedEventSerializer(EventSerializer):
    incident = IncidentSerializer(read_only=True)

    class Meta(EventSerializer.Meta):
        fields = [*EventSerializer.Meta.fields, "incident"]
        read_only_fields = fields


class FeedSerializer(serializers.Serializer[Any]):
    events = FeedEventSerializer(many=True, read_only=True)
    next = serializers.CharField(read_only=True)
    more = serializers.BooleanField(read_only=True)


class ErrorSerializer(serializers.Serializer[Any]):
    detail = serializers.CharField(read_only=True)


class QuerySerializer(serializers.Serializer[Any]):
    limit = serializers.IntegerField(default=DEFAULT_PAGE_SIZE, min_value=1, max_value=MAX_PAGE_SIZE)


class FeedViewSet(viewsets.GenericViewSet[Event]):
    """The feed: every event, in an order that never changes."""

    queryset = Event.objects.none()
    serializer_class = FeedSerializer
    pagination_class = None
    filter_backends = ()
    role_actions = {"list": Action.LIST}

    @extend_schema(
        summary="Follow what happens, oldest first",
        parameters=[
            OpenApiParameter(
                "after",
                description="The `next` of an earlier response, or `now` for what comes; without it all from"
                " the beginning.",
            ),
            OpenApiParameter("limit", int, description=f"1 to {MAX_PAGE_SIZE}."),
        ],
        responses={
            200: forced_singular_serializer(FeedSerializer),  # type: ignore[no-untyped-call]
            410: OpenApiResponse(ErrorSerializer, "The cursor has expired"),
        },
        filters=False,
    )
    def list(self, request: Request) -> Response:
        """What happened after the cursor, oldest first, with the incidents as they are now."""
        query = QuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        after = request.query_params.get("after")
        try:
            page = read_end() if after == "now" else read_page(cursor(after), query.validated_data["limit"])
        except CursorExpired:
            raise Expired from None
        return Response({"events": self.written(page), "next": str(page.next), "more": page.more})

    @staticmethod
    def written(page: Page) -> Any:
        shown = dict(zip(page.incidents, represent(page.incidents.values()), strict=True))
        events = EventSerializer(page.events, many=True).data
        return [
            {**item, "incident": shown[event.incident_id]}
            for item, event in zip(events, page.events, strict=True)
        ]

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {**super().default_response_headers, "Cache-Control": "private, no-store"}


def cursor(text: str | None) -> Cursor | None:
    if text is None:
        return None
    try:
        return Cursor.from_text(text)
    except ValueError:
        raise ValidationError({"after": [_("Wrong cursor.")]}) from None
