"""Every path of the service."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularSwaggerSplitView

from common.http import errors, health
from config.schema import SchemaView
from operations import metrics, readiness

urlpatterns = [
    path("incidents/", include("incidents.api.post.urls")),
    path("users/", include("users.api.post.urls")),
    path("hooks/", include("integrations.urls")),
    path("connections/", include("integrations.web.urls")),
    path("api/", include("incidents.api.rest.urls")),
    path("api/schema/", SchemaView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("api/login/", include("rest_framework.urls")),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", readiness.view, name="readyz"),
    path("metrics", metrics.view, name="metrics"),
    path("", include("incidents.web.urls")),
]
handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error
