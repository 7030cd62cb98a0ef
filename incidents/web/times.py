"""Timestamps and durations in words, as times.js writes them again when time goes by."""

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, ngettext_lazy

AGES = (
    # In seconds. The texts of Django's timesince have the wrong case: «1 минута», but «1 минуту назад».
    (365 * 86400, ngettext_lazy("%(number)d year ago", "%(number)d years ago", "number")),
    (30 * 86400, ngettext_lazy("%(number)d month ago", "%(number)d months ago", "number")),
    (7 * 86400, ngettext_lazy("%(number)d week ago", "%(number)d weeks ago", "number")),
    (86400, ngettext_lazy("%(number)d day ago", "%(number)d days ago", "number")),
    (3600, ngettext_lazy("%(number)d hour ago", "%(number)d hours ago", "number")),
    (60, ngettext_lazy("%(number)d minute ago", "%(number)d minutes ago", "number")),
)


def exactly(timestamp: datetime) -> str:
    """Write it to the second, with the name of the viewer's time zone."""
    local = timezone.localtime(timestamp)
    return f"{date_format(local, 'DATE_FORMAT')}, {local:%H:%M:%S} ({local.tzname()})"


def on_the_clock(timestamp: datetime) -> str:
    """Write the day in a word, if there is one, and the time to the minute."""
    local = timezone.localtime(timestamp)
    today = timezone.localdate()
    if local.date() == today:
        day = _("today")
    elif local.date() == today - timedelta(days=1):
        day = _("yesterday")
    elif local.year == today.year:
        day = date_format(local, "MONTH_DAY_FORMAT")
    else:
        day = date_format(local, "DATE_FORMAT")
    return f"{day}, {local:%H:%M}"


def ago(timestamp: datetime) -> str:
    seconds = (timezone.now() - timestamp).total_seconds()
    if seconds < 0:
        return exactly(timestamp)
    for unit, text in AGES:
        if number := int(seconds // unit):
            return text % {"number": number}
    return _("just now")


def lasting(seconds: float) -> str:
    """Write a duration that goes on in its two largest units of days, hours and minutes."""
    minutes = int(seconds // 60)
    if minutes < 1:
        return _("<1 min")
    days, hours = minutes // 1440, minutes % 1440 // 60
    parts = [
        ngettext("%(number)d day", "%(number)d days", days) % {"number": days} if days else "",
        _("%(number)d hr") % {"number": hours} if hours else "",
        _("%(number)d min") % {"number": minutes % 60} if minutes % 60 and not days else "",
    ]
    return " ".join(filter(None, parts))
