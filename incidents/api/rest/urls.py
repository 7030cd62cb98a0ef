from rest_framework.routers import DefaultRouter

from incidents.api.rest.feed import FeedViewSet
from incidents.api.rest.views import IncidentViewSet

router = DefaultRouter()
router.include_format_suffixes = False
router.register("incidents", IncidentViewSet, basename="incident")
router.register("events", FeedViewSet, basename="event")
urlpatterns = router.urls
