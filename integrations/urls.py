from django.urls import path, register_converter

from integrations.models import Kind
from integrations.views import hook


class KindConverter:
    regex = "|".join(Kind.values)

    def to_python(self, value: str) -> Kind:
        return Kind(value)

    def to_url(self, value: str) -> str:
        return value


register_converter(KindConverter, "kind")

app_name = "integrations"
urlpatterns = [
    # Clients of PagerDuty in which only the host can be replaced.
    path("pagerduty/v2/enqueue/", hook, {"kind": Kind.PAGERDUTY}),
    path("<kind:kind>/", hook, name="hook"),
    path("<kind:kind>/<str:token>/", hook, name="hook_with_token"),
]
