from django.contrib import admin
from django.urls import include, path
from rest_framework.routers import DefaultRouter

from bench.reference.views import IncidentViewSet

router = DefaultRouter()
router.register("incidents", IncidentViewSet)
urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include(router.urls)),
]
