"""The paths of the pages."""

from django.contrib.auth.views import LogoutView
from django.contrib.staticfiles.storage import staticfiles_storage
from django.urls import path
from django.views.generic import RedirectView
from django.views.i18n import set_language

from incidents.web.views import (
    account,
    bulk,
    incident,
    installed,
    invitation,
    login,
    people,
    polling,
    queue,
    report,
    statistics,
)

app_name = "web"
urlpatterns = [
    path("favicon.ico", RedirectView.as_view(url=staticfiles_storage.url("web/icon.svg"))),
    path("", queue.queue, name="queue"),
    path("bulk/", bulk.change_chosen, name="bulk"),
    path("changes/", polling.changes, name="changes"),
    path("incidents.csv", queue.csv_file, name="csv"),
    path("incident/<int:pk>/", incident.incident, name="incident"),
    path("incident/<int:pk>/change/", incident.change, name="change"),
    path("incident/<int:pk>/assign/", incident.assign, name="assign"),
    path("incident/<int:pk>/correct/", report.correct, name="correct"),
    path("report/", report.report, name="report"),
    path("report/similar/", report.similar_ones, name="similar"),
    path("statistics/", statistics.catch_up_and_show, name="statistics"),
    path("statistics.csv", statistics.catch_up_and_download, name="statistics_csv"),
    path("manifest.webmanifest", installed.manifest, name="manifest"),
    path("service-worker.js", installed.service_worker, name="service_worker"),
    path("offline/", installed.offline, name="offline"),
    path("login/", login.Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("language/", set_language, name="language"),
    path("account/password/", account.password, name="password"),
    path("account/zone/", account.zone, name="zone"),
    path("account/theme/", account.set_theme, name="theme"),
    path("account/sessions/end/", account.end_sessions, name="end_sessions"),
    path("people/", people.overview, name="people"),
    path("people/<int:pk>/", people.person, name="person"),
    path("people/<int:pk>/link/", people.link, name="person_link"),
    path("invitation/<int:pk>/<str:token>/", invitation.invitation, name="invitation"),
    # Pages of version 1.0 that are still open ask this path.
    path("news", polling.token, name="change_token"),
]
