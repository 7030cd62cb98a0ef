from django.urls import path

from integrations.web import destinations, views

app_name = "connections"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("new/<slug:kind>/", views.connect, name="connect"),
    path("<int:pk>/", views.integration, name="integration"),
    path("<int:pk>/posts/", views.posts, name="posts"),
    path("<int:pk>/rotate/", views.rotate, name="rotate"),
    path("<int:pk>/switch/", views.switch, name="switch"),
    path("destinations/new/<slug:transport>/", destinations.add, name="add_destination"),
    path("destinations/<int:pk>/", destinations.destination, name="destination"),
    path("destinations/<int:pk>/test/", destinations.test, name="test_destination"),
    path("destinations/<int:pk>/switch/", destinations.switch, name="switch_destination"),
    path("destinations/<int:pk>/rotate/", destinations.rotate, name="rotate_destination"),
    path("destinations/<int:pk>/delete/", destinations.delete, name="delete_destination"),
    path("destinations/<int:pk>/resend/", destinations.resend_failed, name="resend_failed"),
    path("destinations/<int:pk>/resend/<int:delivery>/", destinations.resend, name="resend"),
]
