from django.urls import path

from integrations.web import views

app_name = "connections"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("new/<slug:kind>/", views.connect, name="connect"),
    path("<int:pk>/", views.integration, name="integration"),
    path("<int:pk>/posts/", views.posts, name="posts"),
    path("<int:pk>/rotate/", views.rotate, name="rotate"),
    path("<int:pk>/switch/", views.switch, name="switch"),
]
