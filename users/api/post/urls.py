from django.urls import path

from users.api.post import views

app_name = "users"
urlpatterns = [
    path("authorization/", views.authorization, name="authorization"),
    path("logout/", views.logout, name="logout"),
]
