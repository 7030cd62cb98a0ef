"""What a viewer prefers, in cookies: the theme and the time zone. Django keeps the language."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

ZONE_COOKIE = "timezone"  # of the browser, set by times.js
CHOSEN_ZONE_COOKIE = "chosen_timezone"
THEME_COOKIE = "theme"
SOURCE_COOKIE = "source"  # of the last report
MAX_ZONE_LENGTH = 64
MAX_AGE = 365 * 24 * 3600  # seconds
# "" follows the system.
THEMES: dict[str, str | Promise] = {
    "": pgettext_lazy("theme", "as the system"),
    "light": pgettext_lazy("theme", "light"),
    "dark": pgettext_lazy("theme", "dark"),
}


def theme_of(request: HttpRequest) -> str:
    theme = request.COOKIES.get(THEME_COOKIE, "")
    return theme if theme in THEMES else ""


def zone_of(request: HttpRequest) -> ZoneInfo | None:
    """Return the chosen time zone or else the browser's; None means the configured one."""
    return chosen_zone(request) or to_zone(request.COOKIES.get(ZONE_COOKIE, ""))


def chosen_zone(request: HttpRequest) -> ZoneInfo | None:
    return to_zone(request.COOKIES.get(CHOSEN_ZONE_COOKIE, ""))


def to_zone(name: str) -> ZoneInfo | None:
    if not name or len(name) > MAX_ZONE_LENGTH:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def keep(response: HttpResponseBase, request: HttpRequest, cookie: str, value: str) -> None:
    """Keep a preference in the viewer's browser for a year; an empty one is deleted."""
    if value:
        response.set_cookie(
            cookie, value, max_age=MAX_AGE, samesite="Lax", secure=request.is_secure(), httponly=True
        )
    else:
        response.delete_cookie(cookie, samesite="Lax")
