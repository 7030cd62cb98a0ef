from django.apps import AppConfig
from django.contrib import admin
from django.utils.translation import gettext_lazy as _


class ProjectConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        from config import checks  # noqa: F401  # registers them

        admin.site.site_header = admin.site.site_title = _("Incidents: administration")
        admin.site.index_title = _("What there is")
