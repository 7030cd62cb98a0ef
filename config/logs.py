"""Where log lines go and how they look: Django's LOGGING."""

from typing import Any


def configuration(style: str, *, debug: bool) -> dict[str, Any]:
    """Build LOGGING for the style "text" or "json"."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request_id": {"()": "common.http.request_log.RequestIdFilter"}},
        "formatters": {
            "text": {
                "()": "common.http.request_log.TextFormatter",
                "format": "%(asctime)s %(levelname)s %(request_id)s %(name)s: %(message)s",
            },
            "json": {"()": "common.http.request_log.JSONFormatter"},
        },
        "handlers": {
            "console": {
                "class": "common.http.request_log.DroppingHandler",
                "formatter": style,
                "filters": ["request_id"],
            },
        },
        "root": {"handlers": ["console"], "level": "DEBUG" if debug else "INFO"},
        "loggers": {
            # Replaces Django's own handlers: one place, one format.
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            # Its warnings repeat the request line's status.
            "django.request": {"level": "ERROR"},
            "django.server": {"handlers": [], "propagate": True},
            # Anybody could fill the log with the tracebacks of suspicious operations, before a login; the
            # request's line has their 400. Why a CSRF check failed is a line by itself.
            "django.security": {"level": "CRITICAL"},
            "django.security.csrf": {"level": "WARNING"},
            "django.db.backends": {"level": "INFO"},
        },
    }
