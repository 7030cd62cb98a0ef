from django.urls import path

from incidents.api.post import feed, views

app_name = "post"
urlpatterns = [
    path("create/", views.create, name="create"),
    path("get_all/", views.get_all, name="get_all"),
    path("get/", views.get, name="get"),
    path("events/", feed.events, name="events"),
    path("update/", views.update, name="update"),
]
