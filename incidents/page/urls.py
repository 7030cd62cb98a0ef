from django.contrib.auth.views import LoginView, LogoutView
from django.contrib.staticfiles.storage import staticfiles_storage
from django.urls import path
from django.views.decorators.http import require_GET
from django.views.generic import RedirectView
from django.views.i18n import set_language

from incidents.page import news
from incidents.page.views import incident, queue, report, statistics

app_name = "page"
urlpatterns = [
    path("favicon.ico", RedirectView.as_view(url=staticfiles_storage.url("page/icon.svg"))),
    path("", queue.queue, name="queue"),
    path("changes/", queue.changes, name="changes"),
    path("incidents.csv", queue.csv_file, name="csv"),
    path("incident/<int:pk>/", incident.incident, name="incident"),
    path("incident/<int:pk>/change/", incident.change, name="change"),
    path("report/", report.report, name="report"),
    path("statistics/", statistics.statistics, name="statistics"),
    path("statistics.csv", statistics.csv_file, name="statistics_csv"),
    path("login/", LoginView.as_view(template_name="page/login.html"), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("language/", set_language, name="language"),
    path(news.PATH.lstrip("/"), require_GET(news.news), name="news"),
]
