"""EMAIL_URL as Django's settings: smtps://name:password@mail.example.com and the like."""

from typing import Any
from urllib.parse import unquote, urlsplit

import django

from config.env import WrongSetting

TIMEOUT = 20  # seconds
# Scheme: port, and how the connection is encrypted; without encryption only by its own scheme.
SMTP = {
    "smtps": (465, {"use_ssl": True}),
    "smtp": (587, {"use_tls": True}),
    "smtp+plain": (25, {}),
}


def configuration(url: str) -> dict[str, Any]:
    """Return the settings for the mail server of `url`, none for "". Raises `WrongSetting`."""
    if not url:
        return {}
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise WrongSetting("EMAIL_URL", str(error)) from None
    if parts.scheme == "console":
        return as_settings("console", {})
    if parts.scheme not in SMTP or not parts.hostname:
        schemes = ", ".join(f"{scheme}://" for scheme in SMTP)
        raise WrongSetting("EMAIL_URL", f"write it as smtps://name:password@mail.example.com ({schemes})")
    default_port, encryption = SMTP[parts.scheme]
    return as_settings(
        "smtp",
        {
            "host": parts.hostname,
            "port": port or default_port,
            "username": unquote(parts.username or ""),
            "password": unquote(parts.password or ""),
            "timeout": TIMEOUT,
            **encryption,
        },
    )


def as_settings(backend: str, options: dict[str, Any]) -> dict[str, Any]:
    path = f"django.core.mail.backends.{backend}.EmailBackend"
    if django.VERSION >= (6, 1):
        # EMAIL_* are deprecated there (docs.djangoproject.com/en/6.1/howto/mailers-migration).
        return {"MAILERS": {"default": {"BACKEND": path, "OPTIONS": options}}}
    names = {"username": "EMAIL_HOST_USER", "password": "EMAIL_HOST_PASSWORD"}
    given = {names.get(name, f"EMAIL_{name.upper()}"): value for name, value in options.items()}
    return {"EMAIL_BACKEND": path, **given}
