from rest_framework import serializers, viewsets

from bench.reference.models import Incident


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


class IncidentViewSet(viewsets.ModelViewSet[Incident]):
    queryset = Incident._default_manager.all()
    serializer_class = IncidentSerializer
    filterset_fields = ["status", "source"]
    ordering_fields = ["created_at"]
