from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class UsersConfig(AppConfig):
    name = "users"
    verbose_name = _("Users and tokens")

    def ready(self) -> None:
        from users.api.rest import openapi  # noqa: F401  # registers the bearer scheme
