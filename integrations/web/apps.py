from django.apps import AppConfig


class ConnectionsConfig(AppConfig):
    name = "integrations.web"
    label = "connections"
