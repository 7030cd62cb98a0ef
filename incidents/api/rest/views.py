"""REST's calls on /api/incidents/."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.utils import timezone, translation
from django.utils.timezone import get_current_timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import APIException, NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from api.rest.streaming import is_json, stream
from incidents import queries, services
from incidents.api.rest.filters import IncidentFilter, query_of
from incidents.api.rest.serializers import (
    ChangeSerializer,
    EventSerializer,
    IncidentSerializer,
    NewIncidentSerializer,
    labels,
    represent,
    represent_in,
)
from incidents.models import Event, Incident, Source, Status
from incidents.queries import rows_of
from incidents.services import NewIncident, Origin
from incidents.severity import Severity
from incidents.statements import IncidentRow, Row
from incidents.transition import KEEP
from users.models import User
from users.roles import Action

Items = list[dict[str, Any]]
PART = 100  # incidents or events that are in memory at the same time
MIN_PART, PART_LENGTH = 10, 250_000


def parts_of(ids: list[int], shown: Callable[[list[Row]], Items]) -> Iterator[Items]:
    """Yield the incidents as they are shown, up to `PART` or about `PART_LENGTH` characters at a time."""
    start, size = 0, MIN_PART
    while start < len(ids):
        rows = rows_of(ids[start : start + size])
        start += size
        length = sum(len(description) for _pk, description, *_rest in rows) // size
        size = max(MIN_PART, min(PART, PART_LENGTH // max(1, length)))
        part = shown(rows)
        del rows  # The stream empties the part, too, before it waits for the client.
        yield part


class HistoryFull(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_detail = _("This incident has too many events, report a new one.")
    default_code = "history_full"


class KeyReused(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_detail = _("This idempotency key was used for another incident.")
    default_code = "idempotency_key_reused"


class KeyIsActive(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "key_is_active"

    def __init__(self, incident_id: int) -> None:
        super().__init__(_("Incident #%(id)d has the same key and is not finished.") % {"id": incident_id})


IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    location=OpenApiParameter.HEADER,
    description="The same as the field idempotency_key, which wins.",
)


class IncidentViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Incident]):
    """Incidents: report one, find it again, carry it to its end."""

    queryset = Incident.objects.newest_first()
    filterset_class = IncidentFilter
    lookup_value_regex = r"[0-9]{1,19}"
    role_actions = {
        "list": Action.LIST,
        "retrieve": Action.LIST,
        "history": Action.LIST,
        "create": Action.CREATE,
        "update": Action.UPDATE,
        "partial_update": Action.UPDATE,
    }

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        serializers: dict[str, type[BaseSerializer[Any]]] = {
            "create": NewIncidentSerializer,
            "update": ChangeSerializer,
            "partial_update": ChangeSerializer,
            "history": EventSerializer,
        }
        return serializers.get(self.action, IncidentSerializer)

    @extend_schema(summary="List incidents, newest first")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:  # type: ignore[override]
        query: Any = query_of(request.query_params, request.user.pk)
        paginator: Any = self.paginator
        if is_json(request) and paginator.get_page_size(request) > PART:
            return self.long_page(query)
        rows: Any = self.paginate_queryset(query)
        return self.get_paginated_response(represent(rows))

    def long_page(self, query: Any) -> HttpResponseBase:
        ids: Any = self.paginate_queryset(query.ids())
        shown = partial(represent_in, labels(get_language()), get_current_timezone())
        return stream(parts_of(ids, shown), self.get_paginated_response([]).data)

    @extend_schema(summary="Show an incident", filters=False)
    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(IncidentSerializer(self.row(pk)).data)

    @extend_schema(
        summary="Report an incident",
        parameters=[IDEMPOTENCY_KEY],
        responses={
            201: IncidentSerializer,
            200: OpenApiResponse(IncidentSerializer, "This key's incident, stored before"),
        },
    )
    def create(self, request: Request) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        new = NewIncident(
            description=data["description"],
            source=Source(data["source"]),
            created_at=data["created_at"],
            idempotency_key=data["idempotency_key"] or self.key_of_header(serializer),
            severity=Severity(data["severity"]) if data["severity"] else None,
            dedup_key=data["dedup_key"],
        )
        try:
            result = services.create(new, self.origin())
        except services.IdempotencyKeyReused:
            raise KeyReused from None
        may_list = self.has_role_for(Action.LIST)
        return Response(
            IncidentSerializer(result.incident if may_list else result.reported).data,
            status=status.HTTP_201_CREATED if result.created else status.HTTP_200_OK,
            headers={"Location": self.reverse_action("detail", args=[result.id])},
        )

    @extend_schema(summary="Set the status", parameters=[IDEMPOTENCY_KEY], responses=IncidentSerializer)
    def update(self, request: Request, pk: str, *, partial: bool = False) -> Response:
        serializer = self.get_serializer(data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        new_status, severity = data.get("status"), data.get("severity", KEEP)
        try:
            incident = services.change(
                int(pk),
                self.origin(),
                status=Status(new_status) if new_status else None,
                comment=data.get("comment", ""),
                severity=Severity(severity) if isinstance(severity, str) else severity,
                assignee=data.get("assignee", KEEP),
                idempotency_key=data.get("idempotency_key") or self.key_of_header(serializer),
            )
        except services.IncidentNotFound:
            raise NotFound from None
        except services.KeyIsActive as error:
            raise KeyIsActive(error.incident_id) from None
        except services.HistoryFull:
            raise HistoryFull from None
        return Response(IncidentSerializer(incident).data)

    @extend_schema(summary="Change what is given", parameters=[IDEMPOTENCY_KEY], responses=IncidentSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        return self.update(request, pk, partial=True)

    @extend_schema(summary="History, oldest first", responses=EventSerializer(many=True), filters=False)
    @action(detail=True, pagination_class=None, filterset_class=None)
    def history(self, request: Request, pk: str) -> HttpResponseBase:
        """What happened to the incident, oldest first."""
        events = Event.objects.filter(incident=self.row(pk).id).select_related("by", "assignee")
        if is_json(request):
            first = self.shown(events[:PART])
            return stream(self.parts(events, first)) if len(first) == PART else Response(first)
        newest = events.order_by("-id")[:PART]  # DRF's page holds all that it shows in memory, several times.
        return Response(self.shown(reversed(newest)))

    def parts(self, events: QuerySet[Event], first: Items) -> Iterator[Items]:
        """Return the parts in the language and the time zone that are current at the call."""
        language, zone = get_language(), get_current_timezone()

        def walk() -> Iterator[Items]:
            part = first
            while part:
                last = part[-1]["id"]
                yield part
                with translation.override(language), timezone.override(zone):
                    part = self.shown(events.filter(id__gt=last)[:PART])

        return walk()

    def shown(self, events: Iterable[Event]) -> Items:
        return list(self.get_serializer(events, many=True).data)

    def row(self, pk: str) -> IncidentRow:
        """Read an incident; raise `NotFound`, also for a number past 64 bits."""
        found = queries.find(int(pk))
        if found is None:
            raise NotFound
        return found

    def key_of_header(self, serializer: Any) -> str | None:
        """Read the header Idempotency-Key by the rules of the field."""
        key = self.request.headers.get("Idempotency-Key")
        if key is None:
            return None
        try:
            checked: str = serializer.fields["idempotency_key"].run_validation(key)
        except ValidationError as error:
            raise ValidationError({"Idempotency-Key": error.detail}) from None
        return checked

    def get_object(self) -> Incident:
        # DRF asks for it in OPTIONS alone, which must tell nobody which incidents exist.
        return Incident()

    def has_role_for(self, action: Action) -> bool:
        """Tell whether the caller may do `action`; without a login (REST_PUBLIC) everybody may do all."""
        user = self.request.user
        return not isinstance(user, User) or user.may(action)

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {**super().default_response_headers, "Cache-Control": "private, no-store"}

    def origin(self) -> Origin:
        return Origin(self.request.user.pk, Event.Channel.REST)
